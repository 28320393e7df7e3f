"""How far a run's events have been read, in the history that the broker keeps of all events."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from hfecs.messaging.event_stream import CLOCKS_APART

EARLIEST = datetime.fromtimestamp(0, UTC)
"""AMQP knows no time before."""


def _now() -> datetime:
    return datetime.now(UTC)


class Cursor:
    """Where to go on reading, by the time: a broker that was lost with its data numbers its events anew."""

    def __init__(self, run: str, now: Callable[[], datetime] = _now) -> None:
        self._run = run
        self._now = now
        self.offset: datetime | str = "first"

    def begin(self, when: datetime) -> None:
        """The run began then; nothing of it is older."""
        if isinstance(self.offset, str):
            self.offset = when

    def passed(self, event: dict[str, Any]) -> None:
        """This event has been read. Its clock may be wrong: it leads neither into the future nor before the epoch."""
        if event.get("run") != self._run:
            return
        with suppress(ValueError, OverflowError):
            when = datetime.fromisoformat(event.get("timestamp", "")).astimezone(UTC)
            before = max(EARLIEST, min(when, self._now()) - CLOCKS_APART)
            self.offset = before if isinstance(self.offset, str) else max(self.offset, before)
