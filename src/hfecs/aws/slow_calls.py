"""Tell the user which AWS call is slow to answer."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

QUIET_SECONDS = 5.0
PERIOD_SECONDS = 1.0

# These take as long as their bytes do, and have their own progress bar.
TRANSFERS = {"PutObject", "UploadPart", "GetObject"}

Tell = Callable[[str, float], None]


@dataclass
class Call:
    """A call in progress, and how often botocore has retried it."""

    service: str
    operation: str
    since: float
    attempt: int = 1

    def __str__(self) -> str:
        again = f", attempt {self.attempt}" if self.attempt > 1 else ""
        return f"{self.service} to answer {self.operation}{again}"


class SlowCalls:
    """Reports the longest-running call, after five seconds, and at most every five seconds."""

    def __init__(self, tell: Tell, clock: Callable[[], float] = time.monotonic) -> None:
        """`tell` gets what is waited for and the seconds since, in its own thread."""
        self._tell, self._clock = tell, clock
        self._under_way: dict[int, Call] = {}
        self._changing = threading.Lock()
        self._told = float("-inf")

    def listen(self, client: Any) -> None:
        """Watch each attempt at a call of this client, and its end; a thread makes one call at a time."""
        client.meta.events.register_first("before-send", self._sent)
        client.meta.events.register("after-call", self._ended)
        client.meta.events.register("after-call-error", self._ended)

    def start(self) -> None:
        """Check every second, in a thread that ends with the program."""
        threading.Thread(target=self._watch, name="slow calls", daemon=True).start()

    def _watch(self) -> None:
        pause = threading.Event()
        while not pause.wait(PERIOD_SECONDS):
            self.look()

    def look(self) -> None:
        """Report if something is due."""
        now = self._clock()
        with self._changing:
            oldest = min(self._under_way.values(), key=lambda call: call.since, default=None)
        if oldest and min(now - oldest.since, now - self._told) >= QUIET_SECONDS:
            self._told = now
            self._tell(str(oldest), now - oldest.since)

    def _sent(self, request: Any, event_name: str, **_: Any) -> None:
        service, operation = event_name.split(".")[1:3]
        if operation in TRANSFERS:
            return
        attempt = re.search(rb"attempt=(\d+)", bytes(request.headers.get("amz-sdk-request", b"")))
        with self._changing:
            call = self._under_way.setdefault(threading.get_ident(), Call(service, operation, self._clock()))
            call.attempt = int(attempt[1]) if attempt else 1

    def _ended(self, **_: Any) -> None:
        with self._changing:
            self._under_way.pop(threading.get_ident(), None)
