from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hfecs.local.client import python_path
from hfecs.local.processes import CONTAINER_MARK, members


class Machine:
    """A machine's process and its two pipes."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.container = f"{directory.name}/main"  # its mark: no other test's processes carry it
        self.process = subprocess.Popen(
            [sys.executable, "-S", "-m", "hfecs.local.data_plane.machine_process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": python_path()},
        )
        assert self.heard() == {"ready": True}

    def order(self, **what: Any) -> None:
        assert self.process.stdin
        self.process.stdin.write(json.dumps(what).encode() + b"\n")
        self.process.stdin.flush()

    def start(self, script: str) -> int:
        self.order(
            order="start",
            container=self.container,
            argv=["sh", "-c", script],
            environment={"PATH": os.environ["PATH"], CONTAINER_MARK: self.container},
            directory=str(self.directory),
            log=str(self.directory / "log"),
        )
        return int(self.heard()["pid"])

    def heard(self) -> dict[str, Any]:
        assert self.process.stdout
        told: dict[str, Any] = json.loads(self.process.stdout.readline())
        return told

    def wait_for_log(self, text: str) -> None:
        """The container's script writes a line when it is ready to be stopped."""
        log = self.directory / "log"
        while text not in log.read_text():
            os.sched_yield()

    def left(self) -> list[int]:
        return members(self.container, 0)


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    started = Machine(tmp_path)
    yield started
    started.process.kill()
    started.process.wait()
    for pipe in (started.process.stdin, started.process.stdout):
        if pipe:
            pipe.close()


def test_a_container_writes_to_its_log_and_its_exit_code_is_told(machine: Machine) -> None:
    machine.start("echo out; echo err >&2; exit 7")

    assert machine.heard() == {"container": machine.container, "code": 7}
    assert (machine.directory / "log").read_text() == "out\nerr\n"


def test_a_container_that_is_stopped_may_end_by_itself(machine: Machine) -> None:
    machine.start("trap 'exit 3' TERM; echo ready; while :; do sleep 0.01; done")
    machine.wait_for_log("ready")

    machine.order(order="stop", container=machine.container, timeout=30)

    assert machine.heard()["code"] == 3


def test_a_container_that_does_not_listen_is_killed_after_its_timeout(machine: Machine) -> None:
    machine.start("trap '' TERM; echo ready; while :; do sleep 0.01; done")
    machine.wait_for_log("ready")

    machine.order(order="stop", container=machine.container, timeout=0.05)

    assert machine.heard()["code"] == 137


def test_with_its_first_process_all_of_a_container_ends(machine: Machine) -> None:
    machine.start("setsid sleep 100 & sleep 100 & echo ready; kill -TERM $$")

    assert machine.heard()["code"] == 128 + signal.SIGTERM
    assert machine.left() == []


def test_a_program_that_is_missing_is_named(machine: Machine) -> None:
    machine.order(
        order="start", container=machine.container, argv=["mNothing"], environment={}, directory="/", log=os.devnull
    )

    assert machine.heard() == {"container": machine.container, "error": "No such file or directory: mNothing"}


def test_a_machine_that_is_switched_off_ends_its_containers_first(machine: Machine) -> None:
    machine.start("trap 'exit 0' TERM; echo ready; while :; do sleep 0.01; done")
    machine.wait_for_log("ready")

    machine.order(order="end")

    assert machine.heard()["code"] == 0
    assert machine.process.wait(5) == 0


def test_without_its_daemon_a_machine_kills_everything(machine: Machine) -> None:
    machine.start("trap '' TERM; setsid sleep 100 & echo ready; wait")
    machine.wait_for_log("ready")
    assert machine.process.stdin

    machine.process.stdin.close()

    assert machine.process.wait(5) == 0
    assert machine.left() == []
