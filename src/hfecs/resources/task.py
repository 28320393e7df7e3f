"""Tasks outside services: the one that runs the engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import count
from typing import Any

from hfecs.aws.errors import failed_with, ignoring
from hfecs.aws.tags import NAME_TAG, lower_pairs, tags_of
from hfecs.errors import AwsFailed
from hfecs.parallel import together
from hfecs.provisioning.resource import Existing
from hfecs.provisioning.stack import Stack
from hfecs.provisioning.state import Record

KIND = "task"

GONE = ("ClusterNotFoundException", "InvalidParameterException: not found")
# While a task waits for its machine, look after the machine at every so many tries, each after a second.
CHECK_EVERY = 10
# DescribeTasks accepts no more at once.
AT_ONCE = 100


def ensure(
    stack: Stack,
    name: str,
    *,
    definition: str,
    container: str,
    environment: Mapping[str, str],
    constraint: str,
    check: Callable[[], None],
) -> str:
    """Run one task of the definition where the constraint holds, with this environment; return its ARN.

    `check` is called every few seconds while no machine can take the task; what it raises ends the wait.
    """
    return stack.ensure(
        KIND,
        name,
        survey=survey,
        create=lambda: _start(stack, name, definition, container, environment, constraint, check),
    )


def teardown(stack: Stack, record: Record) -> None:
    """Stop the task."""
    with ignoring(*GONE):
        stack.cloud.ecs.stop_task(cluster=stack.ecs_cluster, task=record.id, reason="hfecs removes the task")


def describe(stack: Stack, task: str) -> Any:
    """The task as ECS describes it; None if ECS has dropped it, an hour after its end, or its ARN is unknown."""
    if not task:
        return None
    with ignoring(*GONE):
        answer = stack.cloud.ecs.describe_tasks(cluster=stack.ecs_cluster, tasks=[task], include=["TAGS"])
        return next(iter(answer["tasks"]), None)
    return None


def survey(stack: Stack) -> Iterator[Existing]:
    """List the cluster's tasks that no service started and that have not stopped."""
    cluster = stack.ecs_cluster
    with ignoring(*GONE):
        pages = stack.cloud.ecs.get_paginator("list_tasks").paginate(cluster=cluster, desiredStatus="RUNNING")
        arns = [arn for page in pages for arn in page["taskArns"]]
        groups = [arns[start : start + AT_ONCE] for start in range(0, len(arns), AT_ONCE)]
        for tasks in together(*[partial(_described, stack, cluster, group) for group in groups]):
            for task in tasks:
                tags = tags_of(task.get("tags"))
                if not task.get("group", "").startswith("service:"):
                    yield Existing(tags.get(NAME_TAG, task["taskArn"]), task["taskArn"], task, ours=stack.owns(tags))


def _described(stack: Stack, cluster: str, arns: list[str]) -> list[Any]:
    return list(stack.cloud.ecs.describe_tasks(cluster=cluster, tasks=arns, include=["TAGS"])["tasks"])


def _start(
    stack: Stack,
    name: str,
    definition: str,
    container: str,
    environment: Mapping[str, str],
    constraint: str,
    check: Callable[[], None],
) -> str:
    """Run the task as soon as a machine can take it."""
    pairs: Any = [{"name": key, "value": value} for key, value in environment.items()]
    tries = count(1)

    def run() -> Any:
        if not next(tries) % CHECK_EVERY:
            check()
        answer: Any = {}
        with ignoring("InvalidParameterException: No Container Instances"):
            answer = stack.cloud.ecs.run_task(
                cluster=stack.ecs_cluster,
                taskDefinition=definition,
                overrides={"containerOverrides": [{"name": container, "environment": pairs}]},
                placementConstraints=[{"type": "memberOf", "expression": constraint}],
                startedBy=f"hfecs/{name}"[:36],
                tags=lower_pairs(stack.tags(name)),
            )
        _check(name, answer.get("failures") or [])
        return answer.get("tasks")

    tasks = stack.wait.until(run, what=f"a machine for {name} to join the cluster", timeout=900, every=1)
    return str(tasks[0]["taskArn"])


def _check(name: str, failures: list[Any]) -> None:
    """Only a missing machine is worth waiting for."""
    reasons = [failed_with(failure) for failure in failures]
    final = [
        f"{code} {words}".strip() or "no reason given"
        for code, words in reasons
        if not code.startswith(("RESOURCE", "ATTRIBUTE", "AGENT", "MemberOf"))
    ]
    if final:
        raise AwsFailed(
            f"Task {name} could not be started: {', '.join(final)}.", hint="hfecs status shows the machines"
        )
