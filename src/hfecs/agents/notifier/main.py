"""The notifier: publishes the numbers of the job queue to CloudWatch, for the alarms."""

from __future__ import annotations

import logging
import os
import signal
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from hfecs.agents.common import environment
from hfecs.agents.common.attempts import Attempts
from hfecs.agents.common.environment import Environment
from hfecs.agents.common.influxdb import Database, Metrics
from hfecs.agents.common.logging import start_logging
from hfecs.agents.notifier.cluster_metrics import ClusterMetrics, Watched
from hfecs.agents.notifier.fallback_demand import PATIENCE_SECONDS, FallbackDemand
from hfecs.agents.notifier.idle_shutdown import IdleShutdown
from hfecs.agents.notifier.queue import Management, QueueNumbers
from hfecs.agents.notifier.stale_protection import Place, StaleProtection
from hfecs.aws import cloudwatch
from hfecs.aws.clients import Limits, open_client
from hfecs.lookahead import metric as demand_metric
from hfecs.lookahead.metric import DemandMetric, Periods
from hfecs.messaging.messages import JOBS_QUEUE
from hfecs.messaging.url import AmqpUrl

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient

log = logging.getLogger(__name__)

PERIOD_SECONDS = 10
LIMITS = Limits(retries=3, connect_timeout=5, read_timeout=5)


@dataclass(frozen=True)
class Settings:
    """The notifier's settings; times in seconds. A period of 0 means that no alarm uses the demand."""

    cluster: str
    namespace: str
    queue: str
    period: int
    management: Management
    demand_period: int = 0
    patience: float = 0.0

    @classmethod
    def from_environment(cls, environ: Environment) -> Settings:
        """Read CLUSTER_NAME, METRIC_NAMESPACE, MANAGEMENT_URL and the broker's, PERIOD, DEMAND_PERIOD, PATIENCE."""
        url = environment.required(environ, "MANAGEMENT_URL").rstrip("/")
        broker = AmqpUrl.parse(environment.broker_url(environ))
        return cls(
            cluster=environment.required(environ, "CLUSTER_NAME"),
            namespace=environment.optional(environ, "METRIC_NAMESPACE", cloudwatch.NAMESPACE),
            queue=environment.optional(environ, "AMQP_QUEUE", JOBS_QUEUE),
            period=environment.positive_integer(environ, "PERIOD", PERIOD_SECONDS),
            management=Management(url, *broker.login, broker.virtual_host),
            demand_period=int(environment.seconds(environ, "DEMAND_PERIOD", 0.0)),
            patience=environment.seconds(environ, "PATIENCE", PATIENCE_SECONDS),
        )


def main() -> int:
    """Report the queue until SIGTERM; 0."""
    start_logging()
    settings = Settings.from_environment(os.environ)
    signals: SimpleQueue[int] = SimpleQueue()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda received, _: signals.put(received))
    log.info("reporting %s to %s every %d seconds", settings.queue, settings.namespace, settings.period)
    metrics_api: CloudWatchClient = open_client("cloudwatch", LIMITS)
    notifier = Notifier(settings, metrics_api, demand_metric.client() if settings.demand_period else None)
    metrics = Metrics(Database.from_environment(os.environ))
    if metrics.wanted:
        watched = Watched.from_environment(os.environ)
        ClusterMetrics(watched, notifier.read, open_client("ecs", LIMITS), metrics_api).start(metrics)
    if place := Place.from_environment(os.environ):
        autoscaling = open_client("autoscaling", LIMITS)
        StaleProtection(place, autoscaling, open_client("ecs", LIMITS)).start()
        IdleShutdown(os.environ, notifier.read, open_client("ec2", LIMITS), autoscaling, metrics_api).start()
    while not _told_to_end(signals, _until_next(settings.period, time.time())):
        notifier.report()
    return 0


def _told_to_end(signals: SimpleQueue[int], seconds: float) -> bool:
    """Wait for a signal for this many seconds."""
    try:
        signals.get(timeout=seconds)
    except Empty:
        return False
    return True


def _until_next(period: int, now: float) -> float:
    """The seconds until the next multiple of the period: each alarm period gets one value."""
    return period - now % period


class Notifier:
    """Reads the queue and reports it; logs once when either side is unreachable, and once when it is back."""

    def __init__(self, settings: Settings, metrics_api: CloudWatchClient, once: CloudWatchClient | None = None) -> None:
        """`once` sends the demand, if an alarm uses it: a client that never retries a call."""
        self._settings = settings
        self._cloudwatch = metrics_api
        self._attempts = Attempts()
        self._fallback_demand = FallbackDemand(settings.patience)
        self._demand = self._demand_metric(once) if once else None

    def _demand_metric(self, once: CloudWatchClient) -> DemandMetric:
        settings = self._settings
        return DemandMetric(once, settings.namespace, settings.cluster, Periods(settings.demand_period))

    def report(self) -> None:
        """Report the current queue; nothing if it cannot be read."""
        numbers = self._attempts.make("the broker's management", self.read)
        if numbers:
            self._attempts.make("CloudWatch", lambda: self._put(numbers))
        if numbers and self._demand:
            fallback_demand, demand = self._fallback_demand.demand(numbers, time.monotonic()), self._demand
            self._attempts.make("CloudWatch, for the demand", lambda: demand.put(fallback_demand))

    def read(self) -> QueueNumbers:
        """Ask the broker's management."""
        return self._settings.management.read(self._settings.queue)

    def _put(self, numbers: QueueNumbers) -> None:
        settings = self._settings
        cloudwatch.put(self._cloudwatch, settings.namespace, settings.cluster, numbers.metrics(), datetime.now(UTC))
