"""The notifier's second task, if there is an InfluxDB: metrics of the queue, the machines, workers and alarms.

It has its own thread, so that its waits never delay the numbers that the alarms use.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hfecs.agents.common import environment
from hfecs.agents.common.attempts import Attempts
from hfecs.agents.common.environment import Environment
from hfecs.agents.common.influxdb import Metrics
from hfecs.agents.common.line_protocol import Point
from hfecs.agents.common.pauses import pause
from hfecs.agents.notifier.queue import QueueNumbers

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_ecs import ECSClient

PERIOD_SECONDS = 10

ALARM = "ALARM"


@dataclass(frozen=True)
class Watched:
    """What is measured every `period` seconds: a cluster, its name in ECS, its worker service, its alarms."""

    cluster: str
    ecs_cluster: str
    service: str
    alarms: Sequence[str]
    period: int

    @classmethod
    def from_environment(cls, environ: Environment) -> Watched:
        """Read CLUSTER_NAME, ECS_CLUSTER, WORKER_SERVICE, ALARMS (names separated by commas) and METRICS_PERIOD."""
        return cls(
            cluster=environment.required(environ, "CLUSTER_NAME"),
            ecs_cluster=environment.required(environ, "ECS_CLUSTER"),
            service=environment.required(environ, "WORKER_SERVICE"),
            alarms=environment.required(environ, "ALARMS").split(","),
            period=environment.positive_integer(environ, "METRICS_PERIOD", PERIOD_SECONDS),
        )


class ClusterMetrics:
    """Measures the cluster and passes on the points."""

    def __init__(
        self, watched: Watched, queue: Callable[[], QueueNumbers], ecs: ECSClient, cloudwatch: CloudWatchClient
    ) -> None:
        self._watched = watched
        self._queue = queue
        self._ecs = ecs
        self._cloudwatch = cloudwatch
        self._attempts = Attempts()

    def start(self, metrics: Metrics) -> None:
        """Measure periodically, in a daemon thread."""
        threading.Thread(target=self._run, args=(metrics,), name="watcher", daemon=True).start()

    def _run(self, metrics: Metrics) -> None:
        while True:
            metrics.put(*self.points())
            pause(self._watched.period)

    def points(self) -> list[Point]:
        """The current state of the cluster; without the parts that cannot be reached."""
        return [
            *self._ask("the broker's management, for metrics", self._of_queue),
            *self._ask("ECS, for metrics", self._of_cluster),
            *self._ask("the alarms, for metrics", self._of_alarms),
        ]

    def _ask(self, whom: str, look: Callable[[], Iterator[Point]]) -> list[Point]:
        return self._attempts.make(whom, lambda: list(look())) or []

    def _of_queue(self) -> Iterator[Point]:
        numbers = self._queue()
        fields = {"QueueLength": numbers.ready, "jobsInFlight": numbers.in_flight, "consumerCount": numbers.consumers}
        yield Point("hyperflow_rabbitmq_monitor", self._tags(), fields)

    def _of_cluster(self) -> Iterator[Point]:
        name, service = self._watched.ecs_cluster, self._watched.service
        clusters = self._ecs.describe_clusters(clusters=[name])["clusters"]
        services = self._ecs.describe_services(cluster=name, services=[service])["services"]
        numbers = {
            "ec2_count": sum(cluster["registeredContainerInstancesCount"] for cluster in clusters),
            "worker_count": sum(service["runningCount"] for service in services),
        }
        yield Point("hyperflow_monitor", self._tags(), numbers)

    def _of_alarms(self) -> Iterator[Point]:
        for alarm in self._cloudwatch.describe_alarms(AlarmNames=self._watched.alarms)["MetricAlarms"]:
            name = alarm["AlarmName"].removeprefix(f"hfecs-{self._watched.cluster}-")
            state = alarm["StateValue"]
            yield Point("hyperflow_alarms", self._tags(alarm=name), {"state": state, "active": int(state == ALARM)})

    def _tags(self, **more: str) -> dict[str, str]:
        return {"cluster": self._watched.cluster, **more}
