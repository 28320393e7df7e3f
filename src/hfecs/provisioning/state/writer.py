"""Write in the background, one write at a time, always the latest version."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor


class Writer:
    """Passes contents to `write` in its own thread; of those that arrive during a write only the last is written."""

    def __init__(self, write: Callable[[bytes], None]) -> None:
        self._write = write
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="state")
        self._turn = threading.Lock()
        self._content = b""
        self._next: Future[None] | None = None
        self._failed: Future[None] | None = None

    def submit(self, content: bytes) -> Future[None]:
        """Write this, or a later version; after a failed write nothing more is written."""
        with self._turn:
            if self._failed:
                return self._failed
            self._content = content
            if self._next is None:
                self._next = self._pool.submit(self._run)
            return self._next

    def finish(self) -> None:
        """Wait for the last write, and raise the first failure."""
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
