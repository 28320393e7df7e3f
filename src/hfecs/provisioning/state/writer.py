"""Writing behind the back of whoever has something to write: one write at a time, of what was handed in last."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor


class Writer:
    """Hands contents to `write` in a thread of its own; of those that come while it writes only the last is written."""

    def __init__(self, write: Callable[[bytes], None]) -> None:
        self._write = write
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="state")
        self._turn = threading.Lock()
        self._content = b""
        self._next: Future[None] | None = None
        self._failed: Future[None] | None = None

    def submit(self, content: bytes) -> Future[None]:
        """Write this, or a later one; after a write that failed nothing is written any more."""
        with self._turn:
            if self._failed:
                return self._failed
            self._content = content
            if self._next is None:
                self._next = self._pool.submit(self._run)
            return self._next

    def finish(self) -> None:
        """Wait for the last write, and raise what the first one that failed has raised."""
        self._pool.shutdown()
        if self._failed:
            self._failed.result()

    def _run(self) -> None:
        with self._turn:
            content, mine, self._next = self._content, self._next, None
        if self._failed:
            self._failed.result()
        written = False
        try:
            self._write(content)
            written = True
        finally:
            self._failed = None if written else mine
