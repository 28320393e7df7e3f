"""The tests' side of the stand-in for AWS (server.py) and of the process that runs commands (zygote.py)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TESTS = Path(__file__).parents[1]
SIGKILLED = -9


@dataclass(frozen=True)
class StandIn:
    """A stand-in for AWS, as its process listens."""

    port: int
    pid: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def copy(self) -> StandIn:
        """A stand-in of its own in which everything stands that stands here."""
        return StandIn(**self._ask("hostile/copy"))

    @contextmanager
    def copied(self) -> Iterator[StandIn]:
        """A copy that is ended afterwards."""
        copy = self.copy()
        yield copy
        copy.end()

    def observe(self, **at: int) -> None:
        """Watch the next command, and kill it there: `after`, `before` or `at_look` (server.py)."""
        self._ask("hostile/observe", **at)

    def calls(self) -> list[tuple[str, str]]:
        """The changing calls of that command."""
        return [(name, what) for name, what in self._ask("hostile/calls")]

    def end(self) -> None:
        """End its process."""
        os.kill(self.pid, 9)

    def reset(self) -> None:
        """Forget everything that was made."""
        self._ask("moto-api/reset")

    def _ask(self, path: str, **values: Any) -> Any:
        request = urllib.request.Request(f"{self.url}/{path}", json.dumps(values).encode(), method="POST")
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read())


@dataclass(frozen=True)
class Ended:
    """How a command ended: its exit code (minus the signal that killed it), and all that it said."""

    code: int
    talk: str


class Zygote:
    """Runs commands, one at a time."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def run(self, *arguments: str, directory: Path, on: StandIn, **at: int) -> Ended:
        """Run a command in a directory and wait for its end; it may be killed at one of its changing calls."""
        on.observe(**at)
        talk = directory / "talk"
        order = {"arguments": arguments, "directory": str(directory), "url": on.url, "talk": str(talk)}
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        self._process.stdout.readline()
        return Ended(int(self._process.stdout.readline()), talk.read_text())


@contextmanager
def started(module: str, *arguments: str, errors: Path) -> Iterator[subprocess.Popen[str]]:
    """A process of this folder, killed at the end."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "HFECS_"))}
    with errors.open("w") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=file,
            text=True,
            cwd=TESTS,
            env=environment | {"PYTHONHASHSEED": "0"},  # calls in the same order each time
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@contextmanager
def stand_in(scratch: Path) -> Iterator[StandIn]:
    """An empty stand-in for AWS."""
    with started("hostile.server", str(scratch), errors=scratch / "server.txt") as process:
        assert process.stdout
        port = process.stdout.readline()
        assert port, (scratch / "server.txt").read_text()
        yield StandIn(int(port), process.pid)


@contextmanager
def zygote(scratch: Path) -> Iterator[Zygote]:
    """A process that runs commands."""
    with started("hostile.zygote", errors=scratch / "zygote.txt") as process:
        assert process.stdout
        assert process.stdout.readline() == "ready\n", (scratch / "zygote.txt").read_text()
        yield Zygote(process)
