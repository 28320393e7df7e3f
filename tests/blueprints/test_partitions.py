"""Regions outside of the partition "aws": their ARNs, and EC2's name in China."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hfecs.aws.account import Site
from hfecs.aws.machine_types import MachineType
from hfecs.blueprints import foundation
from hfecs.provisioning.stack import Stack
from hfecs.provisioning.state import State
from support import ME, WatchedCloud, configuration, stack_of, watched

ELSEWHERE = [("us-gov-west-1", "aws-us-gov", "ec2.amazonaws.com"), ("cn-north-1", "aws-cn", "ec2.amazonaws.com.cn")]


def stack_in(region: str, state: State) -> tuple[Stack, Site]:
    """A stack of a region, and that region's network."""
    cloud = WatchedCloud(region)
    network = cloud.ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    return stack_of(cloud, state), Site(network, [], MachineType("t3.micro", 2, 1024, "x86_64"), "ami-0", [ME])


def words(stack: Stack) -> list[str]:
    """Each text in the trust and inline policy documents of all roles."""
    calls = watched(stack).calls_of("CreateRole") + watched(stack).calls_of("PutRolePolicy")
    documents: list[Any] = [call.get("AssumeRolePolicyDocument") or call["PolicyDocument"] for call in calls]
    return [word for document in documents for word in json.dumps(json.loads(document)).split('"')]


@pytest.mark.parametrize(("region", "partition", "ec2"), ELSEWHERE)
def test_policies_name_the_partition_of_the_region(
    region: str, partition: str, ec2: str, aws: None, state: State
) -> None:
    stack, site = stack_in(region, state)

    created = foundation.ensure(stack, configuration(), site)

    arns = [word for word in words(stack) if word.startswith("arn:")]
    assert {arn.split(":")[1] for arn in arns} == {partition}
    assert [word for word in words(stack) if word.startswith("ec2.amazonaws")] == [ec2]
    assert created.password.startswith(f"arn:{partition}:ssm:{region}:")


@pytest.mark.parametrize(("region", "partition", "ec2"), ELSEWHERE)
def test_the_roles_of_a_standing_cluster_are_named_by_their_arns_there(
    region: str, partition: str, ec2: str, aws: None, state: State
) -> None:
    stack, _ = stack_in(region, state)

    found = foundation.found(stack)

    assert found.worker_role.startswith(f"arn:{partition}:iam::")
