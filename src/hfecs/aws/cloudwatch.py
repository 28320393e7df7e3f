"""The metrics of a cluster in CloudWatch: their names, how they are written, and how they are read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_cloudwatch.type_defs import DimensionTypeDef

    from hfecs.aws.clients import Cloud

NAMESPACE = "hyperflow"
"""The namespace of all our metrics; an agent may be given another."""

QUEUE_LENGTH, JOBS_IN_FLIGHT, BACKLOG = "QueueLength", "JobsInFlight", "Backlog"
"""Jobs waiting, jobs held by workers, and their sum."""

CONSUMERS, BACKLOG_PER_WORKER = "Consumers", "BacklogPerWorker"
DEMAND = "Demand"
"""Job slots needed: each run reports its own once a period, and CloudWatch adds them up."""

IDLE_SECONDS_LEFT = "IdleSecondsLeft"
"""Seconds until a cluster without work is shut down."""

HIGH_RESOLUTION = 1
"""The alarms look every 10 seconds: at the standard resolution of 60 they would see nothing."""

PERIOD_SECONDS = 10
FRESH = timedelta(minutes=3)
"""A value older than this says nothing about now."""


def dimensions(cluster: str) -> list[DimensionTypeDef]:
    """The dimensions that identify a cluster's metrics."""
    return [{"Name": "ClusterName", "Value": cluster}]


def put(
    cloudwatch: CloudWatchClient, namespace: str, cluster: str, values: Mapping[str, float], when: datetime
) -> None:
    """Write a value of each of these metrics, in one call."""
    data: list[Any] = [
        {
            "MetricName": name,
            "Dimensions": dimensions(cluster),
            "Timestamp": when,
            "Value": value,
            "StorageResolution": HIGH_RESOLUTION,
        }
        for name, value in values.items()
    ]
    cloudwatch.put_metric_data(Namespace=namespace, MetricData=data)


def latest(cloud: Cloud, cluster: str, names: Sequence[str], now: datetime) -> dict[str, float | None]:
    """The last value of each of these metrics, in one call; None for one that has no fresh value."""
    queries: list[Any] = [
        {
            "Id": f"q{number}",
            "MetricStat": {
                "Metric": {"Namespace": NAMESPACE, "MetricName": name, "Dimensions": dimensions(cluster)},
                "Period": PERIOD_SECONDS,
                "Stat": "Average",
            },
        }
        for number, name in enumerate(names)
    ]
    answer = cloud.cloudwatch.get_metric_data(MetricDataQueries=queries, StartTime=now - FRESH, EndTime=now)
    results = {result["Id"]: result for result in answer["MetricDataResults"]}
    return {name: _last(results.get(f"q{number}")) for number, name in enumerate(names)}


def _last(result: Any) -> float | None:
    if not result:
        return None
    points = [*zip(result["Timestamps"], result["Values"], strict=True)]
    return float(max(points)[1]) if points else None
