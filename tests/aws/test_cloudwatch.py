"""The metrics of a cluster, written and read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hfecs.aws import cloudwatch
from support import WatchedCloud


def test_values_come_back_as_they_were_written_the_last_of_each(cloud: WatchedCloud) -> None:
    now = datetime.now(UTC)
    for age, values in ((30, {"Backlog": 3.0, "Consumers": 1.0}), (10, {"Backlog": 2.0})):
        cloudwatch.put(cloud.cloudwatch, "hyperflow", "stars", values, now - timedelta(seconds=age))

    read = cloudwatch.latest(cloud, "stars", ["Consumers", "Backlog", "Demand"], now)

    assert read == {"Consumers": 1.0, "Backlog": 2.0, "Demand": None}


def test_values_of_another_cluster_and_old_ones_are_not_read(cloud: WatchedCloud) -> None:
    now = datetime.now(UTC)
    cloudwatch.put(cloud.cloudwatch, "hyperflow", "moons", {"Backlog": 3.0}, now)
    cloudwatch.put(cloud.cloudwatch, "hyperflow", "stars", {"Backlog": 3.0}, now - timedelta(minutes=10))

    assert cloudwatch.latest(cloud, "stars", ["Backlog"], now) == {"Backlog": None}


def test_values_are_of_high_resolution_and_sent_in_one_call(cloud: WatchedCloud) -> None:
    cloudwatch.put(cloud.cloudwatch, "own", "stars", {"Backlog": 3, "Consumers": 1}, datetime.now(UTC))

    (call,) = cloud.calls_of("PutMetricData")
    assert call["Namespace"] == "own"
    assert [datum["StorageResolution"] for datum in call["MetricData"]] == [1, 1]
