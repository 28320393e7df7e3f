"""Listening at the broker to what becomes of jobs, and counting the executors that take them."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable
from typing import Any

import pika
from pika.adapters.blocking_connection import BlockingChannel
from pika.exceptions import AMQPError
from pika.spec import Basic, BasicProperties

from hfecs.agents import messages
from hfecs.agents.environment import without_password
from hfecs.agents.pauses import pause

log = logging.getLogger(__name__)

STEPS = ("started", "finished")

COUNT_SECONDS = 2.0
PAUSE_SECONDS = 2.0

Event = dict[str, Any]


class JobListener:
    """Hears the begin and end of each job of all runs; what happens while the broker is away is not heard."""

    def __init__(self, url: str, queue: str, heard: Callable[[Event], None], counted: Callable[[int], None]) -> None:
        """`counted` is told how many executors take jobs from the queue, every other second."""
        self._url = url
        self._queue = queue
        self._heard = heard
        self._counted = counted
        self._away = False
        self.listening = threading.Event()

    def start(self) -> None:
        """Listen in a thread that ends with its process; `listening` is set when no event is missed any more."""
        threading.Thread(target=self._run, name="job events", daemon=True).start()

    def _run(self) -> None:
        while True:
            try:
                with pika.BlockingConnection(pika.URLParameters(self._url)) as connection:
                    self._listen(connection)
            except (AMQPError, OSError) as error:
                if not self._away:
                    log.warning("cannot hear of jobs from %s (%r)", without_password(self._url), error)
                self._away = True
            pause(PAUSE_SECONDS)

    def _listen(self, connection: pika.BlockingConnection) -> None:
        channel = connection.channel()
        own = channel.queue_declare("", exclusive=True).method.queue
        for step in STEPS:
            channel.queue_bind(own, messages.EVENTS_EXCHANGE, messages.job_event("*", step))
        channel.basic_consume(own, self._received, auto_ack=True)
        if self._away:
            log.info("jobs are heard of again")
        self._away = False
        self.listening.set()
        counted = 0.0
        while True:
            if time.monotonic() - counted >= COUNT_SECONDS:
                counted = time.monotonic()
                self._counted(channel.queue_declare(self._queue, passive=True).method.consumer_count)
            connection.process_data_events(COUNT_SECONDS)

    def _received(self, _: BlockingChannel, __: Basic.Deliver, ___: BasicProperties, body: bytes) -> None:
        self._heard(json.loads(body))
