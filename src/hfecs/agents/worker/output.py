"""The output of a job's processes: read as it comes, only its end is kept."""

from __future__ import annotations

import os
import selectors
import time
from collections.abc import Iterable
from pathlib import Path
from typing import IO

TAIL_BYTES = 64 * 1024
"""How much of the end of a job's output goes into its reply."""

LONGEST_POLL_SECONDS = 86_400.0
"""The system cannot wait longer than 24 days at a time."""


class Tail:
    """The end of a pipe's output."""

    def __init__(self, pipe: IO[bytes]) -> None:
        self.pipe = pipe
        self._kept = b""

    def read(self) -> bool:
        """Read what is there; False at the end of the output."""
        chunk = os.read(self.pipe.fileno(), TAIL_BYTES)
        self._kept = (self._kept + chunk)[-TAIL_BYTES:]
        return bool(chunk)

    def read_rest(self) -> None:
        """Read the rest without waiting for a process that still holds the pipe's other end."""
        os.set_blocking(self.pipe.fileno(), False)
        try:
            while self.read():
                pass
        except BlockingIOError:
            return

    def text(self) -> str:
        """What is kept, as text."""
        return self._kept.decode(errors="replace")


def tail_of_file(path: Path) -> str:
    """The end of a file, as text."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - TAIL_BYTES))
        return file.read(TAIL_BYTES).decode(errors="replace")


def follow(process: int, tails: Iterable[Tail], timeout: float | None) -> bool:
    """Read the output until a process has ended; False if `timeout` seconds passed first."""
    deadline = None if timeout is None else time.monotonic() + timeout
    ended = os.pidfd_open(process)
    try:
        with selectors.PollSelector() as selector:
            selector.register(ended, selectors.EVENT_READ)
            for tail in tails:
                selector.register(tail.pipe, selectors.EVENT_READ, tail)
            return _until(selector, ended, deadline)
    finally:
        os.close(ended)


def _until(selector: selectors.BaseSelector, ended: int, deadline: float | None) -> bool:
    while deadline is None or time.monotonic() < deadline:
        left = None if deadline is None else min(max(0.0, deadline - time.monotonic()), LONGEST_POLL_SECONDS)
        for key, _ in selector.select(left):
            if key.fd == ended:
                return True
            if not key.data.read():
                selector.unregister(key.fileobj)
    return False
