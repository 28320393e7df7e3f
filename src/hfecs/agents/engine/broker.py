"""What the engine's side does at the broker before and after a run: declare, and publish the events of the run."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from typing import Any

import pika
from pika.adapters.blocking_connection import BlockingChannel
from pika.exceptions import ChannelClosedByBroker

from hfecs.agents.common.pauses import pause
from hfecs.errors import TimedOut
from hfecs.messaging import connection as amqp
from hfecs.messaging import event_stream, messages
from hfecs.messaging.timeouts import call_with_timeout
from hfecs.messaging.url import AmqpUrl

log = logging.getLogger(__name__)

PAUSE_SECONDS = 1.0

VISIT_SECONDS = 60.0
"""So long one visit may take: a broker can live, and never confirm what it was sent."""

LEAST_VISIT_SECONDS = 1.0
"""So long the last visit has: what it says of the broker is what is told."""

NOT_FOUND = 404


class Broker:
    """Short visits to the broker, each on a connection of its own."""

    def __init__(
        self, url: str, pause: Callable[[float], object] = pause, longest_visit: float = VISIT_SECONDS
    ) -> None:
        self._url = url
        self._pause = pause
        self._longest_visit = longest_visit

    def declare(self, jobs_queue: str, *, within: float) -> None:
        """Make the exchange, the queue of jobs and the history of events exist, within so many seconds."""

        def declare(channel: BlockingChannel) -> None:
            event_stream.declare(channel)
            if not _exists(channel.connection, jobs_queue):
                channel.queue_declare(jobs_queue, durable=True)

        self._visit(declare, within)

    def publish(self, sender: str, kind: str, *, within: float, **facts: Any) -> None:
        """Publish an event; returns when the broker has it. One that it confirms late arrives twice."""
        body = json.dumps(messages.event(sender, kind, **facts)).encode()

        def publish(channel: BlockingChannel) -> None:
            channel.confirm_delivery()
            properties = pika.BasicProperties(content_type="application/json", delivery_mode=messages.PERSISTENT)
            channel.basic_publish(messages.EVENTS_EXCHANGE, kind, body, properties)

        self._visit(publish, within)

    def _visit(self, work: Callable[[BlockingChannel], None], within: float) -> None:
        give_up = time.monotonic() + within

        def visit() -> None:
            with amqp.open_connection(self._url) as connection:
                work(connection.channel())

        while True:
            left = max(LEAST_VISIT_SECONDS, give_up - time.monotonic())
            try:
                return call_with_timeout(visit, min(left, self._longest_visit))
            except amqp.FAULTS as error:
                what = f"The broker at {AmqpUrl.parse(self._url).without_account()} does not answer"
                if time.monotonic() > give_up:
                    raise TimedOut(f"{what} ({error!r}).", "look at the log of the master's broker") from error
                log.warning("%s (%r), trying again", what, error)
            self._pause(PAUSE_SECONDS)


def _exists(connection: pika.BlockingConnection, queue: str) -> bool:
    """Whether a queue exists, however it was declared."""
    try:
        connection.channel().queue_declare(queue, passive=True)
    except ChannelClosedByBroker as error:
        return error.reply_code != NOT_FOUND
    return True
