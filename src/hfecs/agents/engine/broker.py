"""The engine agent at the broker: it declares the queues and publishes the run's events.

JobListener follows the events of jobs, and counts the executors that take them.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Generator
from typing import Any

import pika
from pika.adapters.blocking_connection import BlockingChannel
from pika.exceptions import ChannelClosedByBroker
from pika.spec import Basic, BasicProperties

from hfecs.agents.common.pauses import pause
from hfecs.errors import TimedOut
from hfecs.messaging import connection as amqp
from hfecs.messaging import event_stream, messages
from hfecs.messaging.timeouts import call_with_timeout, iterate_with_timeout
from hfecs.messaging.url import AmqpUrl

log = logging.getLogger(__name__)

PAUSE_SECONDS = 1.0

VISIT_SECONDS = 60.0
"""So long one visit may take: a broker can live, and never confirm what it was sent."""

LEAST_VISIT_SECONDS = 1.0
"""So long the last visit has: what it says of the broker is what is told."""

NOT_FOUND = 404

HEARD_STEPS = ("started", "finished")

COUNT_SECONDS = 2.0
LISTENER_PAUSE_SECONDS = 2.0

SILENT_SECONDS = 30.0
"""A broker that takes longer for an answer is left, and visited anew."""

Event = dict[str, Any]


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


class JobListener:
    """Hears the begin and end of each job of all runs; what happens while the broker is away is not heard."""

    def __init__(
        self,
        url: str,
        queue: str,
        heard: Callable[[Event], None],
        counted: Callable[[int], None],
        silence: float = SILENT_SECONDS,
    ) -> None:
        """`counted` is told how many executors take jobs from the queue, every other second."""
        self._url = url
        self._queue = queue
        self._heard = heard
        self._counted = counted
        self._silence = silence
        self._away = False
        self.listening = threading.Event()

    def start(self) -> None:
        """Listen in a thread that ends with its process; `listening` is set when no event is missed any more."""
        threading.Thread(target=self._run, name="job events", daemon=True).start()

    def _run(self) -> None:
        while True:
            try:
                for consumers in iterate_with_timeout(self._listen(), self._silence):
                    self._counted(consumers)
            except amqp.FAULTS as error:
                if not self._away:
                    log.warning("cannot hear of jobs from %s (%r)", AmqpUrl.parse(self._url).without_account(), error)
                self._away = True
            pause(LISTENER_PAUSE_SECONDS)

    def _listen(self) -> Generator[int, None, None]:
        """Hear of jobs for ever, and yield the number of executors now and then."""
        with amqp.open_connection(self._url) as connection:
            channel = self._subscribe(connection)
            counted = 0.0
            while True:
                if time.monotonic() - counted >= COUNT_SECONDS:
                    counted = time.monotonic()
                    yield channel.queue_declare(self._queue, passive=True).method.consumer_count or 0
                connection.process_data_events(COUNT_SECONDS)

    def _subscribe(self, connection: pika.BlockingConnection) -> BlockingChannel:
        channel = connection.channel()
        own = channel.queue_declare("", exclusive=True).method.queue
        for step in HEARD_STEPS:
            channel.queue_bind(own, messages.EVENTS_EXCHANGE, messages.job_event("*", step))
        channel.basic_consume(own, self._received, auto_ack=True)
        if self._away:
            log.info("jobs are heard of again")
        self._away = False
        self.listening.set()
        return channel

    def _received(self, _: BlockingChannel, __: Basic.Deliver, ___: BasicProperties, body: bytes) -> None:
        event = messages.read_event(body)
        if event:
            self._heard(event)
