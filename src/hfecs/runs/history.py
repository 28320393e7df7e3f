"""How far a run's events have been read, in the broker's history of all events."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from hfecs.messaging.event_stream import CLOCKS_APART

EARLIEST = datetime.fromtimestamp(0, UTC)
"""AMQP has no earlier time."""


def _now() -> datetime:
    return datetime.now(UTC)


class Cursor:
    """Where to resume reading, as a time: a broker that lost its data numbers its events from the start again."""

    def __init__(self, run: str, now: Callable[[], datetime] = _now) -> None:
        self._run = run
        self._now = now
        self.offset: datetime | str = "first"

    def begin(self, when: datetime) -> None:
        """The run started at this time, so older events can be skipped."""
        if isinstance(self.offset, str):
            self.offset = when

    def passed(self, event: dict[str, Any]) -> None:
        """Record an event as read. Its clock may be wrong: ignore times in the future and before the epoch."""
        if event.get("run") != self._run:
            return
        with suppress(ValueError, OverflowError):
            when = datetime.fromisoformat(event.get("timestamp", "")).astimezone(UTC)
            before = max(EARLIEST, min(when, self._now()) - CLOCKS_APART)
            self.offset = before if isinstance(self.offset, str) else max(self.offset, before)
