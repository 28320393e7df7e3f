"""A cluster with one executor on a local cloud of its own, used through the command line; runs and what they told."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from executor_usage import Usage

from hfecs.agents.common import environment
from hfecs.agents.worker.poison_messages import history
from hfecs.local.processes import processes_of
from hfecs.messaging import messages
from hfecs.workflow import load
from hfecs.workflow.graph import predecessors

BUCKET = "hfecs-bench"
PATIENCE_SECONDS = 900.0
SETTINGS = """
[cluster]
instance_type = "t2.medium"
[worker]
threads = {threads}
[scaling]
asg_min = 1
asg_desired = 1
asg_max = 1
"""


@dataclass(frozen=True)
class Run:
    """What a run told: when each job began and ended, and the run itself, in seconds; which jobs each job waits for.

    `usage` is the processor time of each part.
    """

    jobs: dict[int, tuple[float, float]]
    started: float
    finished: float
    before: dict[int, set[int]]
    usage: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Cluster:
    """A folder with the configuration of a cluster."""

    folder: Path

    def up(self, threads: int) -> None:
        """Make the cluster have one executor that does so many jobs side by side."""
        (self.folder / "hfecs.toml").write_text(SETTINGS.format(threads=threads))
        self.hfecs("cluster", "up", "--yes")
        wanted = f"THREADS={threads}".encode()
        _until(lambda: [wanted in _environ(pid) for pid in self._agents("worker")] == [True], "the executor")

    def run(self, workflow: Path, *options: str) -> Run:
        """Run a workflow to its end without anybody who follows it."""
        words = self._command("run", str(workflow), "--bucket", BUCKET, *options)
        with subprocess.Popen(words, cwd=self.folder, stderr=subprocess.PIPE, env=_quiet()) as follower:
            _until(lambda: self._agents("engine") or follower.poll() is not None, "the engine")
            follower.send_signal(signal.SIGINT)
            said = (follower.stderr.read() if follower.stderr else b"").decode()
        name = re.search(r"Run ([\w-]+)", said)
        assert name, said
        usage = Usage(self.folder / ".hfecs")

        def ended() -> bool:
            usage.look()
            return not self._agents("engine")

        _until(ended, f"the end of run {name[1]}")
        self.hfecs("run", "--attach", "--run", name[1])
        return replace(_told(self._events(), name[1], workflow), usage=usage.since())

    def executor_memory(self) -> tuple[int, int]:
        """The resident bytes of the executor, now and at most so far."""
        (pid,) = self._agents("worker")
        status = Path(f"/proc/{pid}/status").read_text()
        now, most = (
            int(line.split()[1]) for key in ("VmRSS:", "VmHWM:") for line in status.splitlines() if key in line
        )
        return now * 1024, most * 1024

    def hfecs(self, *arguments: str) -> None:
        """Run a command that must succeed."""
        words = self._command(*arguments)
        ended = subprocess.run(words, cwd=self.folder, capture_output=True, text=True, env=_quiet(), check=False)
        if ended.returncode:
            raise RuntimeError(f"hfecs {' '.join(arguments)}:\n{ended.stdout}{ended.stderr}")

    def _command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "hfecs", "--local", *arguments]

    def _agents(self, kind: str) -> list[int]:
        wanted = f"hfecs\0agent\0{kind}\0".encode()
        return [process.pid for process in processes_of(self.folder / ".hfecs") if wanted in _cmdline(process.pid)]

    def _events(self) -> list[dict[str, Any]]:
        (pid,) = self._agents("worker")
        pairs = (pair.decode().partition("=") for pair in _environ(pid))
        return list(history(environment.broker_url({name: value for name, _, value in pairs}))(None))


@contextmanager
def cluster(folder: Path) -> Iterator[Cluster]:
    """A folder whose local cloud ends with the bench."""
    standing = Cluster(folder)
    try:
        yield standing
    finally:
        subprocess.run(standing._command("local", "down"), cwd=folder, capture_output=True, check=False)


def _told(events: list[dict[str, Any]], run: str, workflow: Path) -> Run:
    of_run = [event for event in events if event.get("run") == run]
    times = {event["type"]: datetime.fromisoformat(event["timestamp"]).timestamp() for event in of_run}
    before = predecessors(load(workflow).processes)
    jobs = {
        number: tuple(times[messages.job_event(f"{run}-{number + 1}", step)] for step in ("started", "finished"))
        for number in before
    }
    began, ended = (times[messages.workflow_event(run, step)] for step in ("started", "finished"))
    return Run({number: (begin, end) for number, (begin, end) in jobs.items()}, began, ended, before)


def _until(probe: Any, what: str) -> None:
    give_up = time.monotonic() + PATIENCE_SECONDS
    while not probe():
        if time.monotonic() > give_up:
            raise RuntimeError(f"waited in vain for {what}")
        time.sleep(0.5)


def _environ(pid: int) -> list[bytes]:
    return _read(pid, "environ").split(b"\0")


def _cmdline(pid: int) -> bytes:
    return _read(pid, "cmdline")


def _read(pid: int, name: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except OSError:
        return b""


def _quiet() -> dict[str, str]:
    """An environment without an AWS account."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "HFECS_"))} | {
        "PYTHONPATH": str(Path(__file__).parent.parent / "src"),
        "AWS_EC2_METADATA_DISABLED": "true",
    }
