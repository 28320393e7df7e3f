"""Detect jobs that kill executors: reads the history of events when too many of a job's deliveries were lost."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from hfecs.agents.worker.delivery import DeliveryHistory
from hfecs.messaging import event_stream, messages
from hfecs.messaging.event_stream import CLOCKS_APART
from hfecs.messaging.timeouts import iterate_with_timeout

log = logging.getLogger(__name__)

MOST_LOST = 3
"""A job that was lost this often is given up."""

LAST_EVENT_SECONDS = 1.0
"""Seconds without another event after which the history counts as read."""

ANSWER_SECONDS = 30.0
"""How long the broker may take to answer."""

LONGEST_SECONDS = 60.0

Events = Iterable[dict[str, Any]]
Read = Callable[[int | None], Events]


@dataclass
class Start:
    """An executor started the job, at a time, and was heard of again or not."""

    executor: str
    when: str
    survived: bool = False


class PoisonMessages:
    """Says why a job is given up; `read` yields the events since a time."""

    def __init__(self, read: Read) -> None:
        self._read = read

    def of(self, job: str, delivery_history: DeliveryHistory) -> str:
        """The sentence for a job that has killed its executors; empty if it may run."""
        if delivery_history.lost < MOST_LOST:
            return ""
        starts = _starts(job, self._read(delivery_history.sent))
        dead = [start for start in starts if not start.survived]
        untold = max(0, delivery_history.attempts - len(starts))
        if len(dead) + untold < MOST_LOST:
            return ""
        return _sentence(dead, untold)


def _starts(job: str, events: Events) -> list[Start]:
    """Who began the job. Who spoke after another had begun it was not killed by it, nor who came or left later."""
    starts: list[Start] = []
    began = messages.job_event(job, "started")
    for event in events:
        executor, kind = event.get("executor"), event.get("type")
        if kind == began:
            starts.append(Start(str(executor), str(event.get("timestamp"))))
        farewell = kind in (messages.EXECUTOR_READY, messages.EXECUTOR_STOPPED)
        for start in starts if farewell else starts[:-1]:
            start.survived |= start.executor == executor
    return starts


def _sentence(dead: list[Start], untold: int) -> str:
    named = [f"{start.executor} at {start.when}" for start in dead]
    unnamed = [f"{untold} missing from the event history"] if untold else []
    return (
        f"The job was given up: it was delivered {len(dead) + untold} times, and each time its executor was lost "
        f"before it ended: {', '.join(named + unnamed)}. Such a job often needs more memory than its machine has."
    )


def history(url: str, silence: float = ANSWER_SECONDS) -> Read:
    """The broker's events until now; none if it has no history or cannot be reached."""
    from hfecs.messaging import connection as amqp

    def read(since: int | None) -> Iterator[dict[str, Any]]:
        now = messages.timestamp()
        try:
            offset = datetime.fromtimestamp(since, UTC) - CLOCKS_APART if since else "first"
            for event in iterate_with_timeout(_events(url, offset), silence):
                if event.get("timestamp", "") > now:
                    return
                yield event
        except (*amqp.FAULTS, ValueError, OverflowError) as error:
            log.warning("the event history cannot be read: %r", error)

    return read


def _events(url: str, offset: datetime | str) -> Generator[dict[str, Any], None, None]:
    from hfecs.messaging import connection as amqp

    give_up = time.monotonic() + LONGEST_SECONDS
    with amqp.open_connection(url) as connection:
        for event in event_stream.read(connection.channel(), offset, timeout=LAST_EVENT_SECONDS):
            if event is None or time.monotonic() > give_up:
                return
            yield event
