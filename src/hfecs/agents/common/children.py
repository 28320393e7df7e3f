"""Child processes of an agent: they end with it, however it ends."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

ENDING_WITH_PARENT = ("setpriv", "--pdeathsig", "KILL")
"""Makes the kernel kill the child when the agent dies: a killed agent cannot clean up. Every Debian has setpriv."""

ENDING_SECONDS = 10.0
"""How long a child may take to end after SIGTERM."""


@contextmanager
def child(
    words: Sequence[str], directory: Path, environ: Mapping[str, str], output: int | IO[Any]
) -> Iterator[subprocess.Popen[bytes]]:
    """Start a process whose stdout and stderr go to `output`; at the end it is terminated, then killed."""
    process = subprocess.Popen(
        [*ENDING_WITH_PARENT, *words],
        cwd=directory,
        env=dict(environ),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
    )
    with process:
        try:
            yield process
        finally:
            _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(ENDING_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
