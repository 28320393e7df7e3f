from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hfecs.aws.clients import Cloud
from hfecs.blueprints import cluster
from hfecs.observe.status import duration_words, look_at_time_left
from hfecs.provisioning.stack import Stack
from support import again, configuration


def tell(cloud: Cloud, left: float, age: timedelta = timedelta(seconds=20)) -> None:
    """Tell CloudWatch how long the cluster may still be idle, as its master does."""
    datum: Any = {
        "MetricName": "IdleSecondsLeft",
        "Dimensions": [{"Name": "ClusterName", "Value": "hyperflow"}],
        "Timestamp": datetime.now(UTC) - age,
        "Value": left,
        "StorageResolution": 1,
    }
    cloud.cloudwatch.put_metric_data(Namespace="hyperflow", MetricData=[datum])


def switch_off(stack: Stack, *, at_its_deadline: bool) -> None:
    group, cloud = "hfecs-hyperflow-workers", stack.cloud
    cloud.autoscaling.update_auto_scaling_group(AutoScalingGroupName=group, MinSize=0, MaxSize=0, DesiredCapacity=0)
    reservations = cloud.ec2.describe_instances()["Reservations"]
    cloud.ec2.terminate_instances(InstanceIds=[one["InstanceId"] for each in reservations for one in each["Instances"]])
    if at_its_deadline:
        cloud.autoscaling.delete_scheduled_action(
            AutoScalingGroupName=group, ScheduledActionName="hfecs-hyperflow-overdue"
        )


@pytest.fixture
def standing(stack: Stack) -> Stack:
    """A cluster that may stand for two hours."""
    cluster.up(stack, configuration(cluster__max_hours=2))
    return again(stack)


def test_the_deadline_is_told_in_words(standing: Stack) -> None:
    left = look_at_time_left(standing)

    assert left.seconds == pytest.approx(7200, abs=30)
    assert left.sentences() == ["Shuts down automatically in 1 h 59 min, unless hfecs cluster up or run renews it."]


def test_the_end_of_an_idle_cluster_is_what_its_master_said_last(standing: Stack) -> None:
    tell(standing.cloud, 3000, timedelta(seconds=80))
    tell(standing.cloud, 2580)

    left = look_at_time_left(standing)

    assert left.idle_seconds == 2580
    assert "Shuts down automatically in 43 min if it stays idle." in left.sentences()


def test_what_was_said_long_ago_is_no_news(standing: Stack) -> None:
    tell(standing.cloud, 3000, timedelta(minutes=10))

    assert look_at_time_left(standing).idle_seconds is None


def test_nothing_is_told_of_a_cluster_that_may_stand_for_ever(stack: Stack) -> None:
    cluster.up(stack, configuration(cluster__max_hours=0))

    assert look_at_time_left(again(stack)).sentences() == []


def test_nothing_is_told_of_nothing(stack: Stack) -> None:
    assert look_at_time_left(stack).sentences() == []


@pytest.mark.parametrize(
    ("at_its_deadline", "reason"),
    [(False, "down: it was idle. Start"), (True, "down: its time was up, or it was idle. Start")],
)
def test_a_cluster_that_switched_itself_off_says_so(standing: Stack, at_its_deadline: bool, reason: str) -> None:
    switch_off(standing, at_its_deadline=at_its_deadline)

    (sentence,) = look_at_time_left(standing).sentences()

    assert reason in sentence


@pytest.mark.parametrize(("seconds", "said"), [(0, "0 s"), (59, "59 s"), (61, "1 min"), (3600, "1 h 0 min")])
def test_times_in_words(seconds: float, said: str) -> None:
    assert duration_words(seconds) == said
