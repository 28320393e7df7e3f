from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hfecs.errors import AwsFailed, TimedOut
from hfecs.observe.readiness import Part, wait_until_ready
from hfecs.provisioning.stack import Stack
from support import WatchedCloud

LAUNCHED = datetime(2026, 1, 1, 12, tzinfo=UTC)
NO_IMAGE = "CannotPullContainerError: manifest for w:9 not found: manifest unknown"


def at(seconds: float) -> datetime:
    return LAUNCHED + timedelta(seconds=seconds)


def machine(cloud: WatchedCloud, state: str = "running", **fields: Any) -> None:
    """Let EC2 know the master in this state."""
    known = {"InstanceId": "i-1", "State": {"Name": state}, "LaunchTime": LAUNCHED, **fields}
    cloud.answer("DescribeInstances", Reservations=[{"Instances": [known]}])


def joined(cloud: WatchedCloud) -> None:
    cloud.answer("ListContainerInstances", containerInstanceArns=["arn"])
    known = {"ec2InstanceId": "i-1", "registeredAt": at(74)}
    cloud.answer("DescribeContainerInstances", containerInstances=[known])


def tasks(cloud: WatchedCloud, *known: dict[str, Any]) -> None:
    cloud.answer("ListTasks", taskArns=[f"task/{number}" for number in range(len(known))])
    cloud.answer("DescribeTasks", tasks=list(known))


def running() -> dict[str, Any]:
    times = {"createdAt": at(75), "pullStartedAt": at(76), "pullStoppedAt": at(96), "startedAt": at(99)}
    return {"lastStatus": "RUNNING", "group": "service:hfecs-hyperflow-master", **times}


def part(answers: Callable[[], bool] | None = lambda: True, **fields: Any) -> Part:
    return Part("master", "the broker", answers, **fields)


def test_each_step_is_said_once_with_how_long_it_took(stack: Stack, cloud: WatchedCloud) -> None:
    machine(cloud)
    joined(cloud)
    tasks(cloud, running())
    said: list[str] = []
    answers = iter([False, False, True])

    wait_until_ready(stack, part(lambda: next(answers)), said.append)

    assert said[:5] == [
        "  machine launched at 12:00:00 UTC",
        "  in the ECS cluster after 74 s",
        "  task placed after 2 s",
        "  images pulled after 20 s",
        "  containers running after 3 s",
    ]
    assert said[5].startswith("  the broker answers after ")
    assert len(said) == 6


def test_a_part_that_admits_nobody_outside_is_ready_when_it_is_running(stack: Stack, cloud: WatchedCloud) -> None:
    machine(cloud)
    joined(cloud)
    tasks(cloud, running())
    said: list[str] = []

    wait_until_ready(stack, part(None), said.append)

    assert "not tried" in said[-1]


def test_without_a_task_its_machine_is_enough(stack: Stack, cloud: WatchedCloud) -> None:
    machine(cloud)
    joined(cloud)
    said: list[str] = []

    wait_until_ready(stack, part(has_task=False), said.append)

    assert said[-1] == "  in the ECS cluster after 74 s"


def test_a_machine_that_died_ends_the_wait_with_its_reason(stack: Stack, cloud: WatchedCloud) -> None:
    machine(cloud, "terminated", StateReason={"Code": "Client.InternalError", "Message": "Client error on launch"})

    with pytest.raises(AwsFailed, match=r"machine master \(i-1\): .* a key that cannot be used") as raised:
        wait_until_ready(stack, part(), lambda line: None)

    assert "AWSServiceRoleForAutoScaling" in raised.value.hint


def test_a_task_that_fails_to_start_twice_ends_the_wait_with_its_reason(stack: Stack, cloud: WatchedCloud) -> None:
    machine(cloud)
    joined(cloud)
    later = {"createdAt": at(75), "stoppedAt": datetime.now(UTC) + timedelta(minutes=1)}
    failed = {"lastStatus": "STOPPED", "stopCode": "TaskFailedToStart", "stoppedReason": NO_IMAGE, **later}
    tasks(cloud, failed, failed)

    with pytest.raises(AwsFailed, match="the image or its tag does not exist"):
        wait_until_ready(stack, part(), lambda line: None)


def test_a_machine_that_never_joins_ends_the_wait_after_its_limit(stack: Stack, cloud: WatchedCloud) -> None:
    machine(cloud)

    with pytest.raises(TimedOut, match="for the broker to answer") as raised:
        wait_until_ready(stack, part(), lambda line: None, limit=60)

    assert "hfecs status" in raised.value.hint
