"""Scalable targets: the limits within which Application Auto Scaling may change a service's task count."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from hfecs.aws.errors import ignoring
from hfecs.provisioning.diff import details
from hfecs.provisioning.resource import Change, Existing, at_once
from hfecs.provisioning.stack import Stack
from hfecs.provisioning.state import Record

KIND = "scalable-target"

DIMENSION: Final = "ecs:service:DesiredCount"
NOT_READY = ("ValidationException: service doesn't exist", "ConcurrentUpdateException")
NOTHING_SUSPENDED: Any = dict.fromkeys(
    ["DynamicScalingInSuspended", "DynamicScalingOutSuspended", "ScheduledScalingSuspended"], False
)
# moto returns its own code
GONE = ("ObjectNotFoundException", "ValidationException: No scalable target")


def ensure(stack: Stack, name: str, *, cluster: str, service: str, least: int, most: int) -> str:
    """Make the service scalable between `least` and `most` tasks; return the target's resource id."""
    target = f"service/{cluster}/{service}"
    return stack.ensure(
        KIND,
        name,
        survey=survey,
        create=lambda: _register(stack, target, least, most),
        changes=lambda found: _changes(stack, found, least, most),
    )


def teardown(stack: Stack, record: Record) -> None:
    """Deregister the target; its policies are deleted with it."""
    with ignoring(*GONE):
        stack.cloud.application_autoscaling.deregister_scalable_target(
            ServiceNamespace="ecs", ResourceId=record.id, ScalableDimension=DIMENSION
        )


def survey(stack: Stack) -> Iterator[Existing]:
    """List the targets for services of this cluster."""
    prefix = f"service/{stack.full_name('cluster')}/{stack.full_name('')}"
    pages = stack.cloud.application_autoscaling.get_paginator("describe_scalable_targets").paginate(
        ServiceNamespace="ecs"
    )
    for page in pages:
        for target in page["ScalableTargets"]:
            if target["ResourceId"].startswith(prefix):
                name, within = target["ResourceId"].removeprefix(prefix), ("ecs-cluster", "cluster")
                yield Existing(name, target["ResourceId"], target, within=within)


def _register(stack: Stack, target: str, least: int, most: int) -> str:
    stack.wait.out(
        NOT_READY,
        lambda: stack.cloud.application_autoscaling.register_scalable_target(
            ServiceNamespace="ecs",
            ResourceId=target,
            ScalableDimension=DIMENSION,
            MinCapacity=least,
            MaxCapacity=most,
            SuspendedState=NOTHING_SUSPENDED,
        ),
        what="Application Auto Scaling to see the service",
    )
    return target


def _changes(stack: Stack, found: Existing, least: int, most: int) -> Iterator[Change]:
    wanted = {"MinCapacity": least, "MaxCapacity": most, "SuspendedState": NOTHING_SUSPENDED}
    actual = {"SuspendedState": NOTHING_SUSPENDED, **found.actual}
    yield from at_once(details(wanted, actual), lambda: _register(stack, found.id, least, most))
