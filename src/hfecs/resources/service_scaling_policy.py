"""Step policies of a service: how many tasks to add or remove at which value of a metric."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from hfecs.aws.errors import ignoring
from hfecs.provisioning.diff import details
from hfecs.provisioning.resource import Change, Existing, at_once
from hfecs.provisioning.stack import Stack
from hfecs.provisioning.state import Record

KIND = "service-scaling-policy"

DIMENSION: Final = "ecs:service:DesiredCount"
# moto returns its own code
GONE = ("ObjectNotFoundException", "ValidationException: No scaling policy")
NOT_READY = ("ObjectNotFoundException", "FailedResourceAccessException", "ConcurrentUpdateException")


def ensure(stack: Stack, name: str, *, target: str, policy: Mapping[str, Any]) -> str:
    """Create or update the scalable target's step policy as `policy` says; return its ARN."""
    return stack.ensure(
        KIND,
        name,
        survey=survey,
        create=lambda: _put(stack, name, target, policy),
        changes=lambda found: _changes(stack, name, found, target, policy),
    )


def teardown(stack: Stack, record: Record) -> None:
    """Delete the policy; deleting its scalable target deletes it too."""
    policy, target = stack.full_name(record.name), record.id.partition(":resource/ecs/")[2].partition(":")[0]
    with ignoring(*GONE):
        stack.cloud.application_autoscaling.delete_scaling_policy(
            PolicyName=policy, ServiceNamespace="ecs", ResourceId=target, ScalableDimension=DIMENSION
        )


def survey(stack: Stack) -> Iterator[Existing]:
    """List the policies of this cluster's services."""
    resource, prefix = f"service/{stack.full_name('cluster')}/", stack.full_name("")
    pages = stack.cloud.application_autoscaling.get_paginator("describe_scaling_policies").paginate(
        ServiceNamespace="ecs"
    )
    for page in pages:
        for policy in page["ScalingPolicies"]:
            if policy["ResourceId"].startswith(resource):
                name, within = policy["PolicyName"].removeprefix(prefix), ("ecs-cluster", "cluster")
                yield Existing(name, policy["PolicyARN"], policy, within=within)


def _put(stack: Stack, name: str, target: str, policy: Mapping[str, Any]) -> str:
    arguments: Any = {"StepScalingPolicyConfiguration": policy, "PolicyType": "StepScaling"}
    answer = stack.wait.out(
        NOT_READY,
        lambda: stack.cloud.application_autoscaling.put_scaling_policy(
            PolicyName=stack.full_name(name),
            ServiceNamespace="ecs",
            ResourceId=target,
            ScalableDimension=DIMENSION,
            **arguments,
        ),
        what=f"the scalable target of policy {name} to be visible",
    )
    return answer["PolicyARN"]


def _changes(stack: Stack, name: str, found: Existing, target: str, policy: Mapping[str, Any]) -> Iterator[Change]:
    actual = found.actual.get("StepScalingPolicyConfiguration", {})
    yield from at_once(details(policy, actual), lambda: _put(stack, name, target, policy))
