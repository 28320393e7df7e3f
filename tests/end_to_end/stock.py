"""HyperFlow alone, with its own function `command`, and workflows whose programs are stubs for it and for us."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hfecs.agents.engine.workflow_run import private_redis
from hfecs.workflow import from_document

ROOT = Path(__file__).parents[2]
NODE_MODULES = ROOT / ".engine" / "node_modules"
EXAMPLES = NODE_MODULES / "@hyperflow" / "hyperflow" / "examples"
HFLOW = NODE_MODULES / "@hyperflow" / "hyperflow" / "bin" / "hflow"
LONGEST_SECONDS = 60


@dataclass(frozen=True)
class Step:
    """A job of a shape: its name, and the files that it reads and writes."""

    name: str
    ins: Sequence[str]
    outs: Sequence[str]


def with_stubs(document: Any, log: Path, names: Sequence[str], function: str) -> dict[str, Any]:
    """The workflow with programs that append their names to the log and write a checksum of all that they read.

    `names` are those of the signals. What is written does not depend on them, so that two engines may have others.
    """
    checked = from_document(document)
    processes = []
    for number, process in enumerate(checked.processes):
        read = " ".join(shlex.quote(f"./{names[int(index)]}") for index in process.ins)
        commands = [f"echo {number} >> {shlex.quote(str(log))}"]
        for position, index in enumerate(process.outs):
            target = shlex.quote(f"./{names[int(index)]}")
            commands.append(f'mkdir -p "$(dirname {target})"')
            commands.append(f"(echo {number} {position}; cat {read} < /dev/null) | cksum > {target}")
        executor = {"executable": "sh", "args": ["-c", "\n".join(["set -e", *commands])]}
        processes.append(
            {
                "name": process.name,
                "function": function,
                "type": "dataflow",
                "firingLimit": 1,
                "config": {"executor": executor},
                "ins": [*process.ins],
                "outs": [*process.outs],
            }
        )
    written = {index for process in checked.processes for index in process.outs}
    given: dict[str, Any] = {"data": [{}]}
    signals = [{"name": name, **({} if index in written else given)} for index, name in enumerate(names)]
    ins = [index for index in range(len(names)) if index not in written]
    return {"name": "stubs", "processes": processes, "signals": signals, "ins": ins, "outs": []}


def run_stock(document: Path, directory: Path) -> None:
    """Run a workflow to its end, its programs in the directory."""
    with private_redis() as redis:
        environ = {**os.environ, "NODE_PATH": str(NODE_MODULES), "NODE_NO_WARNINGS": "1", "REDIS_URL": str(redis)}
        words = ["node", str(HFLOW), "run", str(document)]
        log = directory.with_suffix(".log")
        with log.open("wb") as said:
            subprocess.run(
                words, cwd=directory, env=environ, stdout=said, stderr=said, timeout=LONGEST_SECONDS, check=True
            )


def shape(*steps: Step) -> dict[str, Any]:
    """A workflow of these steps."""
    files = list(dict.fromkeys(file for step in steps for file in (*step.ins, *step.outs)))
    config = {"executor": {"executable": "stub"}}
    processes = [
        {
            "name": step.name,
            "function": "{{function}}",
            "config": config,
            "ins": [files.index(file) for file in step.ins],
            "outs": [files.index(file) for file in step.outs],
        }
        for step in steps
    ]
    return {"processes": processes, "signals": [{"name": file} for file in files], "ins": [], "outs": []}


def split_and_gzip(parts: int) -> dict[str, Any]:
    """One job splits a file, each part is compressed, one job packs them."""
    files = [f"file.{n:06}" for n in range(parts)]
    gzip = [Step("gzip", [file], [f"{file}.gz"]) for file in files]
    return shape(
        Step("split", ["passwd"], files), *gzip, Step("tar", [f"{file}.gz" for file in files], ["tarball.tar"])
    )


def soykb(samples: int, chromosomes: int) -> dict[str, Any]:
    """Chains of single files for each sample, then one job for each sample and chromosome, then a tail."""
    stages = ["aligned", "sorted", "dedup", "groups", "targets", "realigned"]
    steps = []
    for sample in range(samples):
        before = f"sample{sample}.fq"
        for stage in stages:
            steps.append(Step(stage, [before, "reference.fa"], [f"sample{sample}.{stage}.bam"]))
            before = steps[-1].outs[0]
        steps += [Step("caller", [before], [f"sample{sample}.{chromosome}.vcf"]) for chromosome in range(chromosomes)]
    called = [f"sample{sample}.{chromosome}.vcf" for sample in range(samples) for chromosome in range(chromosomes)]
    genotypes = [Step("genotype", called, [f"genotype.{chromosome}.vcf"]) for chromosome in range(chromosomes)]
    combined = [step.outs[0] for step in genotypes]
    ends = [Step(f"select-{kind}", ["all.vcf"], [f"{kind}.vcf"]) for kind in ("snp", "indel")]
    return shape(*steps, *genotypes, Step("combine", combined, ["all.vcf"]), *ends)


def thousand_genomes(parts: int, populations: Sequence[str]) -> dict[str, Any]:
    """Parts of a chromosome are merged; beside a sifted file, each population reads both."""
    individuals = [Step("individuals", ["chr1.vcf", "columns.txt"], [f"chr1n-{n}.tgz"]) for n in range(parts)]
    merge = Step("merge", [step.outs[0] for step in individuals], ["chr1n.tgz"])
    both = ["chr1n.tgz", "sifted.txt"]
    ends = [
        Step(kind, [*both, population], [f"{kind}-{population}.tgz"])
        for population in populations
        for kind in ("overlap", "frequency")
    ]
    return shape(*individuals, merge, Step("sifting", ["chr1.annotation.vcf"], ["sifted.txt"]), *ends)


def kinc(chunks: int) -> dict[str, Any]:
    """Chunks of a matrix, merged, then a chain."""
    similar = [Step("similarity", ["matrix.emx"], [f"chunks/{n}.abd"]) for n in range(chunks)]
    merge = Step("merge", ["matrix.emx", *(step.outs[0] for step in similar)], ["matrix.ccm", "matrix.cmx"])
    threshold = Step("threshold", ["matrix.cmx"], ["threshold.txt"])
    return shape(*similar, merge, threshold, Step("extract", ["matrix.ccm", "threshold.txt"], ["net.txt"]))


def hecil(reads: int) -> dict[str, Any]:
    """An index that all jobs read, chunks of reads through three steps, and a join."""
    steps = [Step("index", ["long.fa"], ["long.fa.bwt", "long.fa.sa"])]
    for n in range(reads):
        steps.append(Step("align", [f"short{n}.fq", "long.fa", "long.fa.bwt", "long.fa.sa"], [f"{n}.sam"]))
        steps += [Step("pileup", [f"{n}.sam"], [f"{n}.pileup"]), Step("correct", [f"{n}.pileup"], [f"{n}.out"])]
    return shape(*steps, Step("join", [f"{n}.out" for n in range(reads)], ["corrected.fa"]))


def vina(ligands: int) -> dict[str, Any]:
    """A job for each ligand, which writes two files, and a ranking."""
    docks = [Step("vina", ["receptor.pdbqt", f"ligand{n}.pdbqt"], [f"{n}.out", f"{n}.log"]) for n in range(ligands)]
    return shape(*docks, Step("rank", [step.outs[1] for step in docks], ["ranking.txt"]))


def ellipsoids(sizes: int) -> dict[str, Any]:
    """Generated configurations, a chain for each, and a join of their results."""
    steps = [Step("generate", ["parameters.json"], [f"{n}.in" for n in range(sizes)])]
    for n in range(sizes):
        steps += [Step("pack", [f"{n}.in"], [f"{n}.packed"]), Step("average", [f"{n}.packed"], [f"{n}.average"])]
    return shape(*steps, Step("collect", [f"{n}.average" for n in range(sizes)], ["result.csv"]))
