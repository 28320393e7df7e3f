"""Cluster and monitoring come and go in any order: whatever stands after each step can still start its containers."""

from __future__ import annotations

import random
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from blueprints.leftovers import leftovers
from commands.conftest import Hfecs
from hfecs.aws.clients import Cloud

STEPS = {
    "monitoring up": ("monitoring", "up", "--yes"),
    "monitoring down": ("monitoring", "down", "--yes"),
    "cluster up": ("cluster", "up", "--yes"),
    "cluster down": ("cluster", "down", "--yes"),
    "destroy": ("destroy", "--yes"),
}
WEIGHTS = (4, 4, 4, 3, 1)


@dataclass
class Standing:
    """What should stand."""

    cluster: bool = False
    monitoring: bool = False

    def after(self, step: str) -> Standing:
        if step == "destroy":
            return Standing()
        part, direction = step.split()
        return Standing(**{**vars(self), part: direction == "up"})


def definitions(cloud: Cloud) -> list[Any]:
    """The latest revision of each family that ECS would start tasks of."""
    families = cloud.ecs.list_task_definition_families(status="ACTIVE")["families"]
    latest = [cloud.ecs.describe_task_definition(taskDefinition=family)["taskDefinition"] for family in families]
    return [definition for definition in latest if definition["status"] == "ACTIVE"]


def missing(cloud: Cloud) -> list[str]:
    """What containers are started with and does not exist: each of their tasks would end before it begins."""
    found = cloud.ssm.describe_parameters(
        ParameterFilters=[{"Key": "Name", "Option": "BeginsWith", "Values": ["/hfecs"]}]
    )
    there = {parameter["Name"] for parameter in found["Parameters"]}
    roles = {role["Arn"] for role in cloud.iam.list_roles()["Roles"]}
    wanted = [
        (definition["family"], secret["valueFrom"].partition(":parameter")[2])
        for definition in definitions(cloud)
        for container in definition["containerDefinitions"]
        for secret in container.get("secrets", ())
    ]
    named = [
        (definition["family"], definition[role])
        for definition in definitions(cloud)
        for role in ("executionRoleArn", "taskRoleArn")
        if role in definition
    ]
    return [f"{who}: {what}" for who, what in wanted if what not in there] + [
        f"{who}: {what}" for who, what in named if what not in roles
    ]


def walk(hfecs: Hfecs, cloud: Cloud, steps: list[str]) -> None:
    """Take the steps, and look after each."""
    stands = Standing()
    for number, step in enumerate(steps):
        stands = stands.after(step)
        trail = " > ".join(steps[: number + 1])

        answer = hfecs(*STEPS[step])

        assert answer.code == 0, f"{trail}: {answer.talk}"
        assert missing(cloud) == [], trail
        if step == "cluster up":
            assert hfecs("plan", "--detailed-exitcode").code == 0, trail
        if not (stands.cluster or stands.monitoring):
            assert leftovers(cloud) == [], trail


def order(seed: int, length: int) -> list[str]:
    return random.Random(seed).choices(list(STEPS), WEIGHTS, k=length)


@pytest.mark.parametrize(
    "steps",
    [
        ["monitoring up", "cluster up", "monitoring down", "cluster up", "cluster down"],
        ["monitoring up", "cluster up", "monitoring down", "cluster down"],
        ["monitoring up", "cluster up", "monitoring down", "monitoring up", "cluster up", "destroy"],
        ["cluster up", "monitoring up", "cluster up", "monitoring down", "destroy"],
    ],
    ids=" > ".join,
)
def test_a_cluster_starts_its_containers_when_the_monitoring_is_gone(
    project: Path, server: Cloud, hfecs: Hfecs, steps: list[str]
) -> None:
    walk(hfecs, server, steps)


@pytest.mark.parametrize("seed", range(3))
def test_any_order_leaves_what_can_start(project: Path, server: Cloud, hfecs: Hfecs, seed: int) -> None:
    walk(hfecs, server, order(seed, 12))


@pytest.mark.reliability
@pytest.mark.parametrize("seed", range(100, 125))
def test_long_orders_leave_what_can_start(project: Path, server: Cloud, hfecs: Hfecs, seed: int) -> None:
    walk(hfecs, server, order(seed, 20))


def test_random_orders_have_every_step_behind_every_other() -> None:
    seen = {pair for seed in range(100, 125) for pair in pairwise(order(seed, 20))}

    assert len(seen) == len(STEPS) ** 2
