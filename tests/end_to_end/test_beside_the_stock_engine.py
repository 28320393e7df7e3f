"""Workflows on HyperFlow as it is and on hfecs: the same firings and the same files, or refused with the reason."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from end_to_end.broker import PrivateBroker
from end_to_end.sites import Site
from end_to_end.stock import (
    EXAMPLES,
    ellipsoids,
    hecil,
    kinc,
    run_stock,
    soykb,
    split_and_gzip,
    thousand_genomes,
    vina,
    with_stubs,
)
from hfecs import workflow
from hfecs.errors import WorkflowInvalid
from hfecs.workflow import Scripts

pytestmark = pytest.mark.end_to_end

ODD_NAMES = ["1", "0", "map", "length", "forEach", "__proto__", "sub/a", "a b", "é", "constructor", "2.5", "-x"]


@pytest.fixture(scope="module", autouse=True)
def executor(aws_endpoint: str, rabbitmq: PrivateBroker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """One executor for all tests of this file."""
    site = Site(aws_endpoint, rabbitmq.url, "", tmp_path_factory.mktemp("executor"))
    site.temporary.mkdir()
    with site.executor():
        yield


def assert_same(site: Site, document: Any, folder: Path, names: list[str] | None = None) -> None:
    """Run it on both; `names` are those of the signals for us, where the engine alone does not take them."""
    written = {int(index) for process in workflow.from_document(document).processes for index in process.outs}
    theirs = [f"s{number}" for number in range(len(document["signals"]))]
    ours = names or [signal.name for signal in workflow.from_document(document).signals]
    directory, logs = folder / "stock", {who: folder / f"{who}.firings" for who in ("theirs", "ours")}
    directory.mkdir()
    for number, name in enumerate(theirs):
        if number not in written:
            (directory / name).write_text(f"input {number}\n")
    (directory / "stock.json").write_text(json.dumps(with_stubs(document, logs["theirs"], theirs, "command")))
    inputs = {name: f"input {number}\n" for number, name in enumerate(ours) if number not in written}
    site.upload(with_stubs(document, logs["ours"], ours, "{{function}}"), **inputs)

    run_stock(directory / "stock.json", directory)
    assert site.run("beside") == 0, site.log("engine")

    firings = {who: sorted(log.read_text().split()) for who, log in logs.items()}
    assert firings["ours"] == firings["theirs"]
    assert {theirs[n]: site.read(f"input/{ours[n]}") for n in written} == {
        theirs[n]: (directory / theirs[n]).read_text() for n in written
    }


SHAPES = {
    "SplitAndGzip": split_and_gzip(5),
    "SoyKB": soykb(2, 3),
    "1000genome": thousand_genomes(4, ["AFR", "EUR"]),
    "KINC": kinc(5),
    "HECIL": hecil(3),
    "Vina": vina(4),
    "ellipsoids": ellipsoids(4),
}
PLAIN_EXAMPLES = ["Montage143/workflow.json", "ParallelSleep/sleep3.json", "MolecularDynamicsParameterStudy/md_1.json"]
REFUSED_EXAMPLES = {
    "BagOfJobs": ["the function k8sCommand needs Kubernetes"],
    "ChoiceJoinMerge": ["processes of type choice", "processes of type join", "6 data elements"],
    "CollectionsExample": ["file:fcount: counts of signals are not supported"],
    "Comet": ["stations:dataSetsCount: counts of signals are not supported"],
    "Montage10k": ["the function command_print only prints commands"],
    "Pathways": ["2 data elements"],
    "PingPong": ["not a directed acyclic graph"],
    "RemoteJobs": ["10 data elements"],
    "Sqrsum": ["square:3: counts of signals are not supported"],
    "Sqrsum2": ["6 data elements"],
    "TweetAnalysis": ["is written by"],
}


@pytest.mark.parametrize("name", SHAPES)
def test_the_shape_of_a_public_workflow_runs_as_on_the_engine_alone(site: Site, tmp_path: Path, name: str) -> None:
    assert_same(site, SHAPES[name], tmp_path)


@pytest.mark.parametrize("name", PLAIN_EXAMPLES)
def test_an_example_of_the_engine_runs_as_on_the_engine_alone(site: Site, tmp_path: Path, name: str) -> None:
    assert_same(site, json.loads((EXAMPLES / name).read_text()), tmp_path)


@pytest.mark.parametrize("name", REFUSED_EXAMPLES)
def test_an_example_of_the_engine_that_is_no_graph_of_single_firings_is_refused_with_the_reason(name: str) -> None:
    (file,) = (EXAMPLES / name).glob("workflow.json")
    scripts = Scripts((EXAMPLES / name).rglob("*.js"))

    with pytest.raises(WorkflowInvalid) as raised:
        workflow.parse(file.read_text(), scripts=scripts)

    for reason in REFUSED_EXAMPLES[name]:
        assert raised.match(reason)


def test_the_large_example_is_accepted_with_jobs_in_place_of_commands_that_are_only_printed() -> None:
    text = (EXAMPLES / "Montage10k" / "workflow.json").read_text()

    accepted = workflow.parse(text.replace('"command_print"', '"{{function}}"'))

    assert len(accepted.processes) == 10429


def test_two_functions_of_the_user_are_accepted() -> None:
    folder = EXAMPLES / "SchedulerDemo"

    accepted = workflow.parse((folder / "workflow.json").read_text(), scripts=Scripts(folder.glob("*.js")))

    assert [process.is_job for process in accepted.processes] == [False, False]


def random_workflow(chance: random.Random) -> dict[str, Any]:
    """Some processes that each read what is there already, and write one or two files, or a control signal."""
    signals = [{"name": f"s{number}", "data": [{}]} for number in range(chance.randint(1, 2))]
    processes = []
    for number in range(chance.randint(2, 7)):
        ins = chance.sample(range(len(signals)), k=chance.randint(1, min(3, len(signals))))
        outs = list(range(len(signals), len(signals) + chance.randint(1, 2)))
        signals += [{"name": f"s{index}"} for index in outs]
        config = {"executor": {"executable": "stub"}}
        processes.append(
            {"name": f"p{number}", "function": "command", "config": config, "ins": ins, "outs": outs, "firingLimit": 1}
        )
    return {"processes": processes, "signals": signals, "ins": [0], "outs": []}


@pytest.mark.parametrize("seed", range(10))
def test_a_random_graph_of_jobs_runs_as_on_the_engine_alone(site: Site, tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    document = random_workflow(chance)
    plain = [f"s{number}" for number in range(len(document["signals"]))]
    odd = chance.sample(ODD_NAMES, k=min(len(plain), 5)) + plain[5:]
    chance.shuffle(odd)

    assert_same(site, document, tmp_path, odd)


ODD: dict[str, dict[str, Any]] = {
    "several data elements": {"data": [{}, {}]},
    "firingLimit": {"firingLimit": 3},
    "no end": {"firingLimit": 0},
    "sticky": {"sticky": ["s0"]},
    "choice": {"type": "choice"},
    "join": {"type": "join", "activeBranchesCount": 1},
    "sub-workflow": {"workflow": "other.json"},
    "counts": {"ins": ["s0:2"]},
    "control": {"control": "merge"},
    "writes twice": {"outs": None},
}


@pytest.mark.parametrize("kind", ODD)
@pytest.mark.parametrize("seed", range(20))
def test_a_random_graph_with_something_else_in_it_is_refused_by_the_name_of_its_place(kind: str, seed: int) -> None:
    chance = random.Random(f"{kind} {seed}")
    document = random_workflow(chance)
    number = chance.randrange(len(document["processes"]))
    process = document["processes"][number]
    if kind in ("several data elements", "control"):
        document["signals"][0] |= ODD[kind]
        place = "s0"
    elif kind == "writes twice":
        other = document["processes"][number - 1]
        process["outs"] = [*process["outs"], other["outs"][0]]
        place = process["name"]
    else:
        document["processes"][number] |= ODD[kind]
        place = process["name"]

    with pytest.raises(WorkflowInvalid, match=rf"\b{place}\b"):
        workflow.from_document(document)
