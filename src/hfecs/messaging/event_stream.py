"""The history of events: a stream at the broker that keeps them, so that a late reader sees them all."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from hfecs.messaging import messages

if TYPE_CHECKING:
    from pika.adapters.blocking_connection import BlockingChannel

PREFETCH = 1000
"""Prefetch limit of a reader; RabbitMQ refuses to read a stream without one."""

CLOCKS_APART = timedelta(seconds=60)
"""How far the clocks of broker and executors may differ: reading since a time starts this much earlier."""


def declare(channel: BlockingChannel) -> None:
    """Create the exchange of the events and their history, unless they exist."""
    from pika.exchange_type import ExchangeType

    channel.exchange_declare(messages.EVENTS_EXCHANGE, ExchangeType.topic, durable=True)
    channel.queue_declare(messages.HISTORY_QUEUE, durable=True, arguments=messages.HISTORY_ARGUMENTS)
    channel.queue_bind(messages.HISTORY_QUEUE, messages.EVENTS_EXCHANGE, messages.HISTORY_BINDING)


def read(channel: BlockingChannel, offset: datetime | str, *, timeout: float) -> Iterator[dict[str, Any] | None]:
    """Yield the events from an offset, a time or "first"; None whenever none came for `timeout` seconds."""
    channel.basic_qos(prefetch_count=PREFETCH)
    for method, _, body in channel.consume(
        messages.HISTORY_QUEUE, arguments={"x-stream-offset": offset}, inactivity_timeout=timeout
    ):
        if method is None or body is None:
            yield None
            continue
        channel.basic_ack(method.delivery_tag or 0)
        yield messages.read_event(body)
