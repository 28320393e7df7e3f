"""Machines whose protection nobody would end."""

from __future__ import annotations

from typing import Any

import pytest

from hfecs.agents.notifier.stale_protection import Place, StaleProtection

PLACE = Place("workers", "cluster", "worker", 210.0)


class FakeAws:
    """A group of machines and a service of executors, for both clients."""

    def __init__(self, protected: list[str], with_executor: list[str], *tags: str) -> None:
        self.tags = [{"Key": key, "Value": "true"} for key in tags]
        self.protected = protected
        self.with_executor = with_executor
        self.let_go: list[str] = []
        self.states: dict[str, str] = {}

    def describe_auto_scaling_groups(self, **_: Any) -> Any:
        machines = [
            {
                "InstanceId": name,
                "ProtectedFromScaleIn": name in self.protected,
                "LifecycleState": self.states.get(name, "InService"),
            }
            for name in ("i-1", "i-2", "i-3")
        ]
        return {"AutoScalingGroups": [{"Instances": machines, "Tags": self.tags}]}

    def get_paginator(self, _: str) -> Any:
        return self

    def paginate(self, **_: Any) -> Any:
        return [{"taskArns": [f"task/{name}" for name in self.with_executor]}]

    def describe_tasks(self, *, tasks: list[str], **_: Any) -> Any:
        return {"tasks": [{"containerInstanceArn": task.replace("task", "on")} for task in tasks]}

    def describe_container_instances(self, **call: Any) -> Any:
        return {
            "containerInstances": [{"ec2InstanceId": arn.removeprefix("on/")} for arn in call["containerInstances"]]
        }

    def set_instance_protection(self, **call: Any) -> None:
        assert (call["AutoScalingGroupName"], call["ProtectedFromScaleIn"]) == ("workers", False)
        self.let_go += call["InstanceIds"]
        self.protected = [name for name in self.protected if name not in call["InstanceIds"]]


def looking(aws: Any, *times: float) -> None:
    moments = iter(times)
    machines = StaleProtection(PLACE, aws, aws, lambda: next(moments))
    for _ in times:
        machines.look()


def test_a_protected_machine_without_an_executor_is_let_go_after_the_patience() -> None:
    aws = FakeAws(protected=["i-1", "i-2"], with_executor=["i-1"])

    looking(aws, 0.0, 100.0, 209.0)
    assert aws.let_go == []
    looking(aws, 0.0, 210.0, 240.0)

    assert aws.let_go == ["i-2"]


def test_machines_of_a_capacity_provider_are_let_go_by_ecs_alone() -> None:
    aws = FakeAws(["i-1", "i-2"], [], "hfecs:cluster", "AmazonECSManaged")

    looking(aws, 0.0, 10_000.0)

    assert aws.let_go == []


def test_a_machine_whose_executor_comes_in_time_stays_protected() -> None:
    aws: Any = FakeAws(protected=["i-1"], with_executor=[])
    moments = iter([0.0, 200.0, 300.0])
    machines = StaleProtection(PLACE, aws, aws, lambda: next(moments))

    machines.look()
    aws.with_executor = ["i-1"]
    machines.look()
    aws.with_executor = []
    machines.look()

    assert aws.let_go == []


def test_machines_that_nobody_protects_are_not_touched() -> None:
    aws = FakeAws(protected=[], with_executor=[])

    looking(aws, 0.0, 1000.0)

    assert aws.let_go == []


@pytest.mark.parametrize("state", ["Pending", "Terminating", "Terminating:Wait", "Standby"])
def test_a_machine_that_is_not_in_service_is_not_touched(state: str) -> None:
    aws = FakeAws(protected=["i-1", "i-2"], with_executor=[])
    aws.states["i-2"] = state

    looking(aws, 0.0, 1000.0)

    assert aws.let_go == ["i-1"]


def test_without_a_group_there_is_nothing_to_look_at() -> None:
    assert Place.from_environment({"ECS_CLUSTER": "c"}) is None
