"""Rules that let this stack's machines reach those of another stack of the same cluster."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hfecs.aws.errors import ignoring
from hfecs.aws.tags import OWNER_TAG, tags_of
from hfecs.provisioning.resource import Existing
from hfecs.provisioning.stack import Stack
from hfecs.provisioning.state import Record

KIND = "ingress"

GONE = ("InvalidPermission.NotFound", "InvalidGroup.NotFound")


def ensure(stack: Stack, *, group: str, port: int, source: str) -> str:
    """Allow TCP from the security group `source`, which is this stack's, to `group`; return "group/port/source"."""
    name = f"{group}/{port}/{source}"
    return stack.ensure(
        KIND,
        name,
        survey=survey,
        create=lambda: _create(stack, name),
        exists_codes=["InvalidPermission.Duplicate"],
    )


def teardown(stack: Stack, record: Record) -> None:
    """Delete the rule: a security group named in a rule cannot be deleted."""
    group, permission = _permission(record.name)
    with ignoring(*GONE):
        stack.cloud.ec2.revoke_security_group_ingress(GroupId=group, IpPermissions=[permission])


def survey(stack: Stack) -> Iterator[Existing]:
    """List the rules of other stacks' groups of this cluster whose source is a group of this stack."""
    pages = stack.cloud.ec2.get_paginator("describe_security_groups").paginate(
        Filters=[{"Name": f"tag:{OWNER_TAG}", "Values": [stack.cluster]}]
    )
    groups = [group for page in pages for group in page["SecurityGroups"]]
    own = {group["GroupId"] for group in groups if stack.owns(tags_of(group.get("Tags")))}
    for group in groups:
        if group["GroupId"] not in own:
            yield from _from(own, group)


def _from(sources: set[str], group: Any) -> Iterator[Existing]:
    for permission in group["IpPermissions"]:
        for pair in permission.get("UserIdGroupPairs", []):
            if pair["GroupId"] in sources:
                name = f"{group['GroupId']}/{permission.get('FromPort')}/{pair['GroupId']}"
                yield Existing(name, name)


def _create(stack: Stack, name: str) -> str:
    group, permission = _permission(name)
    stack.wait.out(
        ("InvalidGroup.NotFound",),
        lambda: stack.cloud.ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[permission]),
        what=f"security group {group} to be visible",
    )
    return name


def _permission(name: str) -> tuple[str, Any]:
    group, port, source = name.split("/")
    pair = [{"GroupId": source}]
    return group, {"IpProtocol": "tcp", "FromPort": int(port), "ToPort": int(port), "UserIdGroupPairs": pair}
