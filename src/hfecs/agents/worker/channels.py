"""The executor's channels: confirmed messages, and checks whether a queue exists."""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from pika.adapters.select_connection import SelectConnection
from pika.channel import Channel
from pika.exceptions import ChannelClosedByBroker
from pika.frame import Method
from pika.spec import Basic, BasicProperties

from hfecs.agents.worker.watchdog import Watchdog
from hfecs.messaging import messages

NOT_FOUND = 404
"""AMQP's code for a queue that does not exist; any other refusal is about an existing one."""

Answer = Callable[[bool], None]

FRESH_SECONDS = 1.0
"""How long the answer whether a reply queue exists is valid: one check per second, however many jobs arrive."""


class Publisher:
    """Publishes to queues and reports when the broker has confirmed."""

    def __init__(self, connection: SelectConnection, watchdog: Watchdog) -> None:
        self._channel: Channel | None = None
        self._sent = 0
        self._waiting: dict[int, Answer] = {}
        self._watchdog = watchdog
        watchdog.expect(self)
        connection.channel(on_open_callback=self._opened)

    def _opened(self, channel: Channel) -> None:
        self._watchdog.came(self)
        self._channel = channel
        channel.confirm_delivery(self._confirmed)

    def publish(self, queue: str, body: bytes, properties: BasicProperties, then: Answer) -> None:
        """Send a message; `then` is called with whether the broker accepted it."""
        if self._channel is None:
            then(False)
            return
        self._channel.basic_publish("", queue, body, properties)
        self._sent += 1
        self._waiting[self._sent] = then
        self._watchdog.expect(self._sent)

    def reply(self, queue: str, correlation_id: str | None, body: dict[str, Any], then: Answer) -> None:
        """Send a reply, which survives a restart of the broker; `then` gets whether the broker accepted it."""
        properties = BasicProperties(
            content_type="application/json", correlation_id=correlation_id, delivery_mode=messages.PERSISTENT
        )
        self.publish(queue, json.dumps(body).encode(), properties, then)

    def _confirmed(self, frame: Method[Basic.Ack | Basic.Nack]) -> None:
        confirmation = frame.method
        last = confirmation.delivery_tag
        tags = [tag for tag in self._waiting if tag <= last] if confirmation.multiple else [last]
        for tag in tags:
            self._watchdog.came(tag)
            self._waiting.pop(tag)(isinstance(confirmation, Basic.Ack))


class Queues:
    """Knows which queues exist: when a run has ended, its engine has deleted its reply queue."""

    def __init__(
        self, connection: SelectConnection, watchdog: Watchdog, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._connection = connection
        self._watchdog = watchdog
        self._clock = clock
        self._known: dict[str, tuple[float, bool]] = {}
        self._asked: dict[str, list[Answer]] = {}
        self._questions: deque[str] = deque()

    def ask(self, queue: str, then: Answer) -> None:
        """Call `then` with whether a queue exists, at once if it was checked a moment ago."""
        when, exists = self._known.get(queue, (float("-inf"), False))
        if self._clock() - when < FRESH_SECONDS:
            then(exists)
        elif queue in self._asked:
            self._asked[queue].append(then)
        else:
            self._asked[queue] = [then]
            self._watchdog.expect(queue)
            self._questions.append(queue)
            self._connection.channel(on_open_callback=self._question)

    def _question(self, channel: Channel) -> None:
        """Check on a separate channel: the broker closes it if the queue does not exist."""
        queue = self._questions.popleft()
        channel.add_on_close_callback(lambda _, reason: self._closed(queue, reason))
        channel.queue_declare(queue, passive=True, callback=lambda _: self._found(channel, queue))

    def _found(self, channel: Channel, queue: str) -> None:
        self._answer(queue, exists=True)
        channel.close()

    def _closed(self, queue: str, reason: Exception) -> None:
        if isinstance(reason, ChannelClosedByBroker):
            self._answer(queue, exists=reason.reply_code != NOT_FOUND)

    def _answer(self, queue: str, *, exists: bool) -> None:
        waiting = self._asked.pop(queue, None)
        if waiting is None:
            return
        self._watchdog.came(queue)
        self._known.pop(queue, None)
        self._known = {**dict(list(self._known.items())[-99:]), queue: (self._clock(), exists)}
        for then in waiting:
            then(exists)
