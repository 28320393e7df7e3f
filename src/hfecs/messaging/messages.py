"""What is sent through the broker: names of queues and exchanges, their arguments, and the bodies of events."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, Final

JOBS_QUEUE = "hyperflow.jobs"
"""The job queue, unless AMQP_QUEUE names another."""

EVENTS_EXCHANGE = "hyperflow.events"
"""The durable topic exchange of the events; the routing key is the event's type."""

HISTORY_QUEUE = "hyperflow.events.history"
"""A stream that keeps the events, so that a late reader sees them all; read it from the offset "first"."""

HISTORY_ARGUMENTS: dict[str, Any] = {
    "x-queue-type": "stream",
    "x-max-age": "1D",
    "x-max-length-bytes": 500_000_000,
}
"""The same wherever the stream is declared: RabbitMQ refuses a second declaration with other arguments."""

HISTORY_BINDING = "#"

_TEXTS = ("executor", "timestamp", "type", "run", "id", "executable")

EXECUTOR_READY = "executor.ready"
EXECUTOR_STOPPED = "executor.stopped"

PERSISTENT: Final = 2
"""AMQP's delivery mode of messages that survive a restart of the broker."""


def job_event(job: str, step: str) -> str:
    """The type of a job event; steps are such as `started`, `stage_in.finished`, `execution.started`."""
    return f"job.{job}.{step}"


def workflow_event(run: str, step: str) -> str:
    """The type of a run event: `started` or `finished`."""
    return f"workflow.{run}.{step}"


def event(executor: str, kind: str, **facts: Any) -> dict[str, Any]:
    """The body of an event that happens now."""
    return {"executor": executor, "timestamp": timestamp(), "type": kind, **facts}


def read_event(body: bytes) -> dict[str, Any]:
    """A received event; empty if it is invalid, since anybody may send to the exchange."""
    try:
        event = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    told = isinstance(event, dict) and all(isinstance(event.get(key, ""), str) for key in _TEXTS)
    return event if told else {}


def timestamp() -> str:
    """The time now, as ISO 8601 in UTC."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")
