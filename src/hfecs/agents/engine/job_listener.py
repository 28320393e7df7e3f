"""Listening at the broker to what becomes of jobs, and counting the executors that take them."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Generator
from typing import Any

import pika
from pika.adapters.blocking_connection import BlockingChannel
from pika.spec import Basic, BasicProperties

from hfecs.agents.common.pauses import pause
from hfecs.messaging import connection as amqp
from hfecs.messaging import messages
from hfecs.messaging.timeouts import iterate_with_timeout
from hfecs.messaging.url import AmqpUrl

log = logging.getLogger(__name__)

STEPS = ("started", "finished")

COUNT_SECONDS = 2.0
PAUSE_SECONDS = 2.0

SILENT_SECONDS = 30.0
"""A broker that takes longer for an answer is left, and visited anew."""

Event = dict[str, Any]


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
            pause(PAUSE_SECONDS)

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
        for step in STEPS:
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
