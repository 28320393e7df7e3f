"""Cancel a job from another thread."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class Cancellation:
    """Cancels a job: kills its process group, and stops further steps."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._group: int | None = None
        self._cancelled = threading.Event()

    def is_set(self) -> bool:
        """Whether the job has been cancelled."""
        return self._cancelled.is_set()

    def wait(self, seconds: float) -> None:
        """Wait this long, or until the job is cancelled."""
        self._cancelled.wait(seconds)

    def cancel(self) -> None:
        """Kill the job's processes; it starts no others."""
        with self._lock:
            self._cancelled.set()
            self._kill()

    @contextmanager
    def watching(self, group: int) -> Iterator[None]:
        """Kill this process group when the job is cancelled, and at the end whatever is left of it.

        Its leader must not be reaped inside: until then no other process can get its id.
        """
        with self._lock:
            self._group = group
            if self._cancelled.is_set():
                self._kill()
        try:
            yield
        finally:
            with self._lock:
                self._kill()
                self._group = None

    def _kill(self) -> None:
        if self._group is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._group, signal.SIGKILL)
