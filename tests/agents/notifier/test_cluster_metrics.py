"""What the notifier tells InfluxDB of the cluster."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from botocore.exceptions import ClientError

from hfecs.agents.common.line_protocol import Point
from hfecs.agents.notifier.cluster_metrics import ClusterMetrics, Watched
from hfecs.agents.notifier.queue import QueueNumbers
from hfecs.errors import ConfigurationInvalid

ENVIRONMENT = {
    "CLUSTER_NAME": "stars",
    "ECS_CLUSTER": "hfecs-stars-cluster",
    "WORKER_SERVICE": "hfecs-stars-worker",
    "ALARMS": "hfecs-stars-jobs-wait,hfecs-stars-no-work",
}


class FakeAws:
    """ECS and CloudWatch of a cluster with three machines, two workers and two alarms."""

    def __init__(self) -> None:
        self.away = False
        self.asked: list[Any] = []

    def describe_clusters(self, **asked: Any) -> Any:
        if self.away:
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "DescribeClusters")
        self.asked.append(asked)
        return {"clusters": [{"registeredContainerInstancesCount": 3}]}

    def describe_services(self, **asked: Any) -> Any:
        self.asked.append(asked)
        return {"services": [{"runningCount": 2}]}

    def describe_alarms(self, **asked: Any) -> Any:
        self.asked.append(asked)
        states = {"hfecs-stars-jobs-wait": "ALARM", "hfecs-stars-no-work": "OK"}
        return {"MetricAlarms": [{"AlarmName": name, "StateValue": state} for name, state in states.items()]}


def watcher(aws: Any) -> ClusterMetrics:
    return ClusterMetrics(Watched.from_environment(ENVIRONMENT), lambda: QueueNumbers(5, 3, 2), aws, aws)


def plain(points: list[Point]) -> list[tuple[str, Any, Any]]:
    return [(point.measurement, point.tags, point.fields) for point in points]


def test_queue_machines_workers_and_alarms_are_told() -> None:
    points = watcher(FakeAws()).points()

    cluster = {"cluster": "stars"}
    assert plain(points) == [
        ("hyperflow_rabbitmq_monitor", cluster, {"QueueLength": 5, "jobsInFlight": 3, "consumerCount": 2}),
        ("hyperflow_monitor", cluster, {"ec2_count": 3, "worker_count": 2}),
        ("hyperflow_alarms", {**cluster, "alarm": "jobs-wait"}, {"state": "ALARM", "active": 1}),
        ("hyperflow_alarms", {**cluster, "alarm": "no-work"}, {"state": "OK", "active": 0}),
    ]


def test_only_this_clusters_own_parts_are_asked_for() -> None:
    aws = FakeAws()

    watcher(aws).points()

    assert aws.asked == [
        {"clusters": ["hfecs-stars-cluster"]},
        {"cluster": "hfecs-stars-cluster", "services": ["hfecs-stars-worker"]},
        {"AlarmNames": ["hfecs-stars-jobs-wait", "hfecs-stars-no-work"]},
    ]


def test_a_part_that_is_refused_is_told_once_and_the_others_go_on(caplog: pytest.LogCaptureFixture) -> None:
    aws = FakeAws()
    aws.away = True
    watching = watcher(aws)

    points = watching.points() + watching.points()

    assert {point.measurement for point in points} == {"hyperflow_rabbitmq_monitor", "hyperflow_alarms"}
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "cannot reach ECS, for metrics" in caplog.text


def test_the_names_must_be_given() -> None:
    with pytest.raises(ConfigurationInvalid, match="ALARMS is missing"):
        Watched.from_environment({**ENVIRONMENT, "ALARMS": ""})
