"""The executor: runs jobs from the queue until it is told to stop."""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import wait
from queue import SimpleQueue
from typing import Any, ParamSpec, TypeVar

from hfecs.agents.common.influxdb import Database, Metrics
from hfecs.agents.common.logging import start_logging
from hfecs.agents.common.object_store import ObjectStore
from hfecs.agents.worker.capabilities import Capabilities
from hfecs.agents.worker.connection import Connection
from hfecs.agents.worker.consumer import Consumer
from hfecs.agents.worker.event_publisher import EventPublisher
from hfecs.agents.worker.events import Announce, JobMetrics
from hfecs.agents.worker.job_runner import JobRunner
from hfecs.agents.worker.poison_messages import PoisonMessages, history
from hfecs.agents.worker.protection import Protection
from hfecs.agents.worker.protection_apis import machine_of, protection_apis
from hfecs.agents.worker.settings import Settings
from hfecs.agents.worker.stages import Stages
from hfecs.messaging.timeouts import Threads

log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

TRANSFERS_PER_JOB = 4
"""Parallel transfers per job when all slots are in use."""

CLEANING_SECONDS = 5.0
"""How long returned jobs may take to delete their directories."""


def main() -> int:
    """Run the executor; 0 after SIGTERM. ConfigurationInvalid if the environment is invalid."""
    start_logging()
    settings = Settings.from_environment(os.environ)
    connection = Connection(settings.broker)
    events = EventPublisher(connection)
    transfers = TRANSFERS_PER_JOB * settings.threads
    metrics = Metrics(Database.from_environment(os.environ))
    capabilities = Capabilities.from_environment(os.environ)
    announce = _announce(events, metrics)
    stages = Stages(ObjectStore(transfers), Threads(transfers), capabilities)
    machine = machine_of(os.environ)
    machine.look()
    poison_messages = PoisonMessages(history(settings.broker))
    job_runner = JobRunner(settings.name, stages, announce, poison_messages, machine.id_if_known)
    protection = Protection(protection_apis(os.environ, machine))
    protection.start()
    consumer = Consumer(settings, connection, _protected(job_runner.perform, protection), events)
    _stop_on_signals(connection, consumer)
    log.info("executor %s: %d parallel jobs from %s", settings.name, settings.threads, settings.queue)
    connection.run(consumer)
    wait(consumer.working, CLEANING_SECONDS)
    metrics.close()
    log.info("stopped")
    return 0


def _protected(perform: Callable[P, T], protection: Protection) -> Callable[P, T]:
    """Run a job under protection from scale-in."""

    def protected(*arguments: P.args, **options: P.kwargs) -> T:
        with protection.held():
            return perform(*arguments, **options)

    return protected


def _announce(events: EventPublisher, metrics: Metrics) -> Announce:
    """Send the events to followers, and to InfluxDB if there is one."""
    if not metrics.wanted:
        return events.put
    of_jobs = JobMetrics(metrics.put)

    def announce(event: dict[str, Any]) -> None:
        events.put(event)
        of_jobs.take(event)

    return announce


def _stop_on_signals(connection: Connection, consumer: Consumer) -> None:
    """Pass signals to the connection's thread, whose locks may be held when a signal arrives."""
    signals: SimpleQueue[int] = SimpleQueue()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda received, _: signals.put(received))

    def forward() -> None:
        while signals.get():
            connection.call(consumer.stop)

    threading.Thread(target=forward, name="signals", daemon=True).start()
