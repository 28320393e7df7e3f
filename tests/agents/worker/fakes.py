"""A broker's connection without a broker: what is done on it is kept, what it would say is said by the test."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from queue import SimpleQueue
from types import SimpleNamespace
from typing import Any

from pika.exceptions import ChannelClosedByBroker
from pika.spec import Basic, BasicProperties

SECONDS = 5.0


@dataclass
class FakeChannel:
    """A channel that remembers what was sent over it."""

    connection: FakeConnection
    published: list[tuple[str, str, bytes]] = field(default_factory=list)
    headers: list[dict[str, Any]] = field(default_factory=list)
    settled: list[tuple[str, int]] = field(default_factory=list)
    declared: list[str] = field(default_factory=list)
    prefetch: int = 0
    cancelled: str = ""
    is_open: bool = True
    on_message: Callable[..., None] = print
    on_confirm: Callable[..., None] = print
    on_close: Callable[..., None] = print
    on_cancel: Callable[..., None] = print

    def add_on_cancel_callback(self, callback: Callable[..., None]) -> None:
        self.on_cancel = callback

    def add_on_close_callback(self, callback: Callable[..., None]) -> None:
        self.on_close = callback

    def exchange_declare(self, exchange: str, exchange_type: object, *, durable: bool) -> None:
        self.declared.append(exchange)

    def queue_declare(
        self, queue: str, *, durable: bool = False, passive: bool = False, callback: Callable[..., None] = print
    ) -> None:
        assert isinstance(queue, str), "pika takes texts only"
        if not passive:
            self.declared.append(queue)
        if passive and queue in self.connection.queues:
            callback(None)
        elif passive:
            self.on_close(self, ChannelClosedByBroker(404, "NOT_FOUND"))

    def basic_qos(self, *, prefetch_count: int) -> None:
        self.prefetch = prefetch_count

    def basic_consume(self, queue: str, on_message: Callable[..., None], callback: Callable[..., None]) -> str:
        self.on_message = on_message
        callback(None)
        return "tag-of-the-consumer"

    def basic_cancel(self, consumer_tag: str) -> None:
        self.cancelled = consumer_tag

    def confirm_delivery(self, callback: Callable[..., None]) -> None:
        self.on_confirm = callback

    def basic_publish(self, exchange: str, key: str, body: bytes, properties: BasicProperties) -> None:
        self.published.append((exchange, key, body))
        self.headers.append(dict(properties.headers or {}))

    def basic_ack(self, tag: int) -> None:
        self.settled.append(("ack", tag))

    def basic_nack(self, tag: int, *, requeue: bool) -> None:
        self.settled.append(("requeue" if requeue else "drop", tag))

    def close(self) -> None:
        self.is_open = False

    def deliver(
        self,
        tag: int,
        body: bytes,
        *,
        reply_to: str | None = "replies",
        again: bool = False,
        headers: dict[str, Any] | None = None,
    ) -> None:
        """Say that a message has arrived, which was delivered to somebody before if `again`."""
        properties = BasicProperties(reply_to=reply_to, correlation_id=f"id-{tag}", headers=headers)
        self.on_message(self, Basic.Deliver(delivery_tag=tag, redelivered=again), properties, body)

    def confirm(self, tag: int, *, taken: bool = True, multiple: bool = False) -> None:
        """Say that the broker has, or has not, taken a message."""
        method = Basic.Ack(tag, multiple) if taken else Basic.Nack(tag, multiple)
        self.on_confirm(SimpleNamespace(method=method))


class FakeLoop:
    """Timers that the test lets run out, and calls from other threads that it waits for."""

    def __init__(self) -> None:
        self.timers: list[tuple[float, Callable[[], None]]] = []
        self.calls: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self.closed = False
        self.loop: Any = self

    def call_later(self, seconds: float, callback: Callable[[], None]) -> None:
        self.timers.append((seconds, callback))

    def call(self, callback: Callable[[], None]) -> None:
        self.calls.put(callback)

    def close(self) -> None:
        self.closed = True

    def next_call(self) -> None:
        """Do what another thread asks for."""
        self.calls.get(timeout=SECONDS)()

    def run_timers(self) -> None:
        """Let all timers run out that there are now."""
        timers, self.timers = self.timers, []
        for _, callback in timers:
            callback()


@dataclass
class FakeConnection:
    """A connection that opens channels at once; `queues` exist at the broker."""

    queues: set[str] = field(default_factory=lambda: {"replies"})
    channels: list[FakeChannel] = field(default_factory=list)
    is_open: bool = True
    abandoned: str = ""
    ioloop: FakeLoop = field(default_factory=FakeLoop)
    blocked: Callable[..., None] = print
    unblocked: Callable[..., None] = print

    @property
    def is_closed(self) -> bool:
        return not self.is_open

    def add_on_connection_blocked_callback(self, callback: Callable[..., None]) -> None:
        self.blocked = callback

    def add_on_connection_unblocked_callback(self, callback: Callable[..., None]) -> None:
        self.unblocked = callback

    def abandon(self, why: str) -> None:
        self.abandoned = why

    def channel(self, on_open_callback: Callable[[FakeChannel], None]) -> None:
        self.channels.append(FakeChannel(self))
        on_open_callback(self.channels[-1])

    def close(self) -> None:
        self.is_open = False
