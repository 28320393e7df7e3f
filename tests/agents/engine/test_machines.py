"""The machines that a run has, as EC2 tells of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest

from hfecs.agents.engine.machines import RunMachines
from hfecs.aws import prices
from hfecs.record.model import Machine

NOW = 1_796_000_000.0
AMI = "ami-12c6146b"


class Answers:
    """EC2 as it may answer: pages of instances, or an error."""

    def __init__(self, *instances: dict[str, Any]) -> None:
        self.instances = [*instances]
        self.error: Exception | None = None

    def get_paginator(self, _: str) -> Answers:
        return self

    def paginate(self, **_: Any) -> list[Any]:
        if self.error:
            raise self.error
        return [{"Reservations": [{"Instances": self.instances}]}]


def instance(name: str, state: str = "running", **more: Any) -> dict[str, Any]:
    launched = datetime.fromtimestamp(NOW - 60, UTC)
    where = {"Placement": {"AvailabilityZone": "us-east-1b"}, "PublicIpAddress": "203.0.113.5"}
    about = {"InstanceId": name, "InstanceType": "t3.micro", "LaunchTime": launched, "State": {"Name": state}}
    return {**about, **where, **more}


def seen(ec2: Any, clock: Callable[[], float] = lambda: NOW) -> RunMachines:
    return RunMachines("hyperflow", "r-1", lambda: ec2, clock)


def told(machines: RunMachines) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(machines.told())
    return found


def test_a_machine_is_told_with_its_type_zone_launch_and_price() -> None:
    machines = seen(Answers(instance("i-1")))

    machines.look()

    price = prices.machine("t3.micro")
    known = {"id": "i-1", "type": "t3.micro", "zone": "us-east-1b", "launched": NOW - 60, "spot": False}
    assert told(machines) == [{**known, "price": price, "price_source": prices.BASIS}]


def test_the_price_of_a_spot_machine_is_unknown_and_not_that_on_demand() -> None:
    machines = seen(Answers(instance("i-1", InstanceLifecycle="spot")))

    machines.look()

    (machine,) = told(machines)
    assert (machine["spot"], "price" in machine) == (True, False)


def test_a_machine_ends_when_ec2_says_so_and_stays_ended() -> None:
    ec2 = Answers(instance("i-1"))
    machines = seen(ec2)
    machines.look()
    when = datetime.fromtimestamp(NOW - 10, UTC).strftime("%Y-%m-%d %H:%M:%S")
    ec2.instances = [instance("i-1", "terminated", StateTransitionReason=f"User initiated ({when} GMT)")]

    machines.look()
    machines.look()

    assert told(machines)[0]["gone"] == NOW - 10


def test_a_machine_that_ec2_has_forgotten_ended_when_that_was_seen() -> None:
    now = [NOW]
    ec2 = Answers(instance("i-1"))
    machines = seen(ec2, lambda: now[0])
    machines.look()
    ec2.instances, now[0] = [], NOW + 120

    machines.look()

    assert told(machines)[0]["gone"] == NOW + 120


def test_machines_that_ended_before_the_run_are_not_of_it() -> None:
    before = datetime.fromtimestamp(NOW - 1800, UTC).strftime("%Y-%m-%d %H:%M:%S")
    machines = seen(Answers(instance("i-1", "terminated", StateTransitionReason=f"Server shutdown ({before} GMT)")))

    machines.look()

    assert told(machines) == []


def test_what_was_seen_stays_if_ec2_does_not_answer() -> None:
    ec2 = Answers(instance("i-1"))
    machines = seen(ec2)
    machines.look()
    ec2.error = OSError("no route")

    machines.look()

    assert [one["id"] for one in told(machines)] == ["i-1"]


def test_nobody_waits_at_the_end_for_an_ec2_that_did_not_answer_before() -> None:
    asked = [0]

    class Silent(Answers):
        def paginate(self, **_: Any) -> list[Any]:
            asked[0] += 1
            raise OSError("no route")

    machines = seen(Silent())
    machines.look()

    machines.end()

    assert asked == [1]


def test_machines_of_an_earlier_attempt_are_still_told() -> None:
    machines = seen(Answers())

    machines.start([Machine("i-0", launched=NOW - 900, gone=NOW - 600)])
    machines.end()

    assert [(one["id"], one["gone"]) for one in told(machines)] == [("i-0", NOW - 600)]


@pytest.mark.parametrize(
    ("name", "is_of_it"),
    [("workers", True), ("runner-r-1", True), ("runner-r-1-2", True), ("runner-other", False), ("master", False)],
)
def test_workers_and_the_machines_of_the_run_itself_are_asked_for(name: str, is_of_it: bool) -> None:
    from quick_moto import empty_aws

    with empty_aws():
        ec2: Any = boto3.session.Session(region_name="us-east-1").client("ec2")
        tags = [{"Key": "hfecs:cluster", "Value": "hyperflow"}, {"Key": "hfecs:name", "Value": name}]
        ec2.run_instances(
            ImageId=AMI,
            InstanceType="t3.micro",
            MinCount=1,
            MaxCount=1,
            TagSpecifications=[{"ResourceType": "instance", "Tags": tags}],
        )
        machines = seen(ec2)

        machines.look()

        assert len(told(machines)) == is_of_it
