"""Step policies of the Auto Scaling group: how many machines to add or remove at which value of a metric."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from hfecs.aws.errors import ignoring
from hfecs.errors import AwsFailed
from hfecs.provisioning.diff import details
from hfecs.provisioning.resource import Change, Existing, at_once
from hfecs.provisioning.stack import Stack
from hfecs.provisioning.state import Record

KIND = "scaling-policy"

BUSY = ("ResourceContention", "ServiceLinkedRoleFailure")


def ensure(stack: Stack, name: str, *, group: str, policy: Mapping[str, Any]) -> str:
    """Create or update the step policy as `policy` says (AdjustmentType, StepAdjustments ...); return its ARN."""
    return stack.ensure(
        KIND,
        name,
        survey=survey,
        create=lambda: _put(stack, name, group, policy),
        changes=lambda found: _changes(stack, name, found, group, policy),
    )


def teardown(stack: Stack, record: Record) -> None:
    """Delete the policy; deleting its group deletes it too."""
    group, policy = record.id.partition("autoScalingGroupName/")[2].split(":policyName/")
    with ignoring("ValidationError"):
        stack.cloud.autoscaling.delete_policy(AutoScalingGroupName=group, PolicyName=policy)


def survey(stack: Stack) -> Iterator[Existing]:
    """List the policies of this cluster's group."""
    prefix, group = stack.full_name(""), stack.full_name("workers")
    for page in stack.cloud.autoscaling.get_paginator("describe_policies").paginate(PolicyTypes=["StepScaling"]):
        for policy in page["ScalingPolicies"]:
            full_name = policy["PolicyName"]
            if policy["AutoScalingGroupName"] == group:
                name, within = full_name.removeprefix(prefix), ("auto-scaling-group", "workers")
                yield Existing(name, policy["PolicyARN"], policy, within=within)


def _put(stack: Stack, name: str, group: str, policy: Mapping[str, Any]) -> str:
    answer = stack.wait.out(
        BUSY,
        lambda: stack.cloud.autoscaling.put_scaling_policy(
            AutoScalingGroupName=group, PolicyName=stack.full_name(name), PolicyType="StepScaling", **policy
        ),
        what=f"policy {name} to be accepted",
    )
    return answer.get("PolicyARN") or _arn(stack, group, stack.full_name(name))


def _arn(stack: Stack, group: str, full_name: str) -> str:
    """The policy's ARN, for a server that does not return it from a put."""
    answer = stack.cloud.autoscaling.describe_policies(AutoScalingGroupName=group, PolicyNames=[full_name])
    for policy in answer["ScalingPolicies"]:
        return policy["PolicyARN"]
    raise AwsFailed(f"AWS accepted policy {full_name}, but does not list it.", hint="run the same command again")


def _changes(stack: Stack, name: str, found: Existing, group: str, policy: Mapping[str, Any]) -> Iterator[Change]:
    # A put re-enables the policy; if the server does not say, it is enabled.
    actual = {"Enabled": True, **found.actual}
    yield from at_once(details({"Enabled": True, **policy}, actual), lambda: _put(stack, name, group, policy))
