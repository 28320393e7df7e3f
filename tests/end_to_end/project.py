"""A project folder with a local cloud of its own, used through the command line as a person would."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hfecs.local.processes import processes_of

ROOT = Path(__file__).parents[2]
# Far more than any command takes; a test that hangs shall end.
LONGEST = 300


@dataclass
class Project:
    """A folder in which `hfecs` is run."""

    folder: Path

    def hfecs(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return subprocess.run(
            self._command(arguments),
            cwd=self.folder,
            env=self._environment(),
            capture_output=True,
            text=True,
            timeout=LONGEST,
            check=False,
        )

    def done(self, *arguments: str) -> str:
        """Run a command that must succeed; return what it said."""
        ended = self.hfecs(*arguments)
        assert ended.returncode == 0, f"hfecs {' '.join(arguments)}:\n{ended.stdout}{ended.stderr}"
        return ended.stdout + ended.stderr

    @contextmanager
    def running(self, *arguments: str) -> Iterator[subprocess.Popen[str]]:
        """Run a command that the test interrupts."""
        process = subprocess.Popen(
            self._command(arguments),
            cwd=self.folder,
            env=self._environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            yield process
        finally:
            process.kill()
            process.communicate()

    def status(self) -> Any:
        """What `hfecs status` says, as data."""
        ended = self.hfecs("--local", "status", "--json")
        assert ended.returncode == 0, ended.stderr
        return json.loads(ended.stdout)

    def processes(self) -> list[str]:
        """What lives for the local cloud of this folder."""
        return [process.what for process in processes_of(self.folder / ".hfecs")]

    def write_workflow(self, name: str, processes: Sequence[dict[str, Any]], inputs: dict[str, str]) -> str:
        """Write a job directory; `processes` have name, command (shell), ins and outs by file name."""
        files = sorted({file for process in processes for file in (*process["ins"], *process["outs"])})
        document = {
            "name": name,
            "processes": [_process(process, files) for process in processes],
            "signals": [{"name": file, **({"data": [{}]} if file in inputs else {})} for file in files],
            "ins": [files.index(file) for file in inputs],
            "outs": [files.index(file) for file in processes[-1]["outs"]],
        }
        for folder in ("workdir", "input"):
            (self.folder / name / folder).mkdir(parents=True)
        (self.folder / name / "workdir" / "dag.json").write_text(json.dumps(document))
        for file, text in inputs.items():
            (self.folder / name / "input" / file).write_text(text)
        return name

    def _command(self, arguments: Sequence[str]) -> list[str]:
        return [sys.executable, "-m", "hfecs", *arguments]

    def _environment(self) -> dict[str, str]:
        rest = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "HFECS_CLUSTER"))}
        return rest | {"PYTHONPATH": str(ROOT / "src"), "COLUMNS": "160", "AWS_EC2_METADATA_DISABLED": "true"}


@contextmanager
def project(folder: Path) -> Iterator[Project]:
    """A project whose local cloud ends with the test, whatever happens."""
    made = Project(folder)
    try:
        yield made
    finally:
        made.hfecs("local", "down")
    assert made.processes() == []


def wait_until(probe: Any, *, what: str, seconds: float = 60) -> Any:
    """Wait for something that real programs do."""
    deadline = time.monotonic() + seconds
    while not (answer := probe()):
        assert time.monotonic() < deadline, f"in vain: {what}"
        time.sleep(0.2)
    return answer


def created(said: str) -> int:
    """How many resources a command said that it created."""
    told = re.search(r"(\d+) created", said)
    assert told, said
    return int(told[1])


def interrupt(process: subprocess.Popen[str]) -> str:
    """Press Ctrl-C; return what the command said until its end."""
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=30)
    return said


def _process(process: dict[str, Any], files: list[str]) -> dict[str, Any]:
    return {
        "name": process["name"],
        "function": "{{function}}",
        "type": "dataflow",
        "firingLimit": 1,
        "config": {"executor": {"executable": "sh", "args": ["-c", process["command"]]}},
        "ins": [files.index(file) for file in process["ins"]],
        "outs": [files.index(file) for file in process["outs"]],
    }
