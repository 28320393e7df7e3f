"""The history of events, as it is declared and read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

from pika.adapters.blocking_connection import BlockingChannel

from hfecs.messaging import event_stream


class FakeChannel:
    """Answers as pika does, and remembers what was asked."""

    def __init__(self, *bodies: bytes | None) -> None:
        self._bodies = bodies
        self.asked: list[Any] = []
        self.acknowledged: list[int] = []

    def exchange_declare(self, exchange: str, exchange_type: Any, *, durable: bool) -> None:
        self.asked.append((exchange, exchange_type.value, durable))

    def queue_declare(self, queue: str, *, durable: bool, arguments: dict[str, Any]) -> None:
        self.asked.append((queue, arguments["x-queue-type"], durable))

    def queue_bind(self, queue: str, exchange: str, key: str) -> None:
        self.asked.append((queue, exchange, key))

    def basic_qos(self, *, prefetch_count: int) -> None:
        self.asked.append(prefetch_count)

    def consume(self, queue: str, *, arguments: dict[str, Any], inactivity_timeout: float) -> Iterator[Any]:
        self.asked.append((queue, arguments, inactivity_timeout))
        for tag, body in enumerate(self._bodies, 1):
            yield (SimpleNamespace(delivery_tag=tag), None, body) if body is not None else (None, None, None)

    def basic_ack(self, tag: int) -> None:
        self.acknowledged.append(tag)


def channel_of(fake: FakeChannel) -> BlockingChannel:
    return cast(BlockingChannel, fake)


def test_the_history_is_a_durable_stream_of_every_event() -> None:
    fake = FakeChannel()

    event_stream.declare(channel_of(fake))

    assert fake.asked == [
        ("hyperflow.events", "topic", True),
        ("hyperflow.events.history", "stream", True),
        ("hyperflow.events.history", "hyperflow.events", "#"),
    ]


def test_events_are_read_from_an_offset_on_with_a_limit_as_streams_demand() -> None:
    since = datetime(2026, 7, 1, tzinfo=UTC)
    fake = FakeChannel()

    assert list(event_stream.read(channel_of(fake), since, timeout=2.0)) == []

    assert fake.asked == [1000, ("hyperflow.events.history", {"x-stream-offset": since}, 2.0)]


def test_each_event_is_acknowledged_and_silence_and_nonsense_are_told_apart() -> None:
    event = {"type": "job.one-1.started", "run": "one"}
    fake = FakeChannel(json.dumps(event).encode(), None, b"nonsense")

    read = list(event_stream.read(channel_of(fake), "first", timeout=2.0))

    assert read == [event, None, {}]
    assert fake.acknowledged == [1, 3]
