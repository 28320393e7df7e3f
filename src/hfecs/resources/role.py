"""IAM roles: who may assume them (trust), and what they allow (one inline policy)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from typing import Any

from hfecs.aws.errors import ignoring
from hfecs.aws.tags import pairs, tags_of
from hfecs.parallel import together
from hfecs.provisioning.diff import of_document
from hfecs.provisioning.resource import Change, Existing, at_once
from hfecs.provisioning.stack import IAM_ROOT, Stack
from hfecs.provisioning.state import Record

KIND = "role"

POLICY = "hfecs"
GONE = "NoSuchEntity"


def ensure(stack: Stack, name: str, *, trust: Any, policy: Any = None) -> str:
    """Create the role with this trust document and this inline policy document, if any; return its ARN."""
    return stack.ensure(
        KIND,
        name,
        survey=survey,
        create=lambda: _create(stack, name, trust, policy),
        changes=lambda found: _changes(stack, name, found, trust, policy),
        exists_codes=["EntityAlreadyExists"],
    )


def teardown(stack: Stack, record: Record) -> None:
    """Delete the role's policies, then the role."""
    role = stack.iam_name(record.name)
    with ignoring(GONE):
        inline = stack.cloud.iam.get_paginator("list_role_policies").paginate(RoleName=role)
        for policy in [policy for page in inline for policy in page["PolicyNames"]]:
            with ignoring(GONE):
                stack.cloud.iam.delete_role_policy(RoleName=role, PolicyName=policy)
        further = stack.cloud.iam.get_paginator("list_attached_role_policies").paginate(RoleName=role)
        for attached in [attached for page in further for attached in page["AttachedPolicies"]]:
            with ignoring(GONE):  # somebody attached it by hand; the policy itself stays
                stack.cloud.iam.detach_role_policy(RoleName=role, PolicyArn=attached["PolicyArn"])
        stack.wait.out(
            ("DeleteConflict", "ConcurrentModification"),
            lambda: stack.cloud.iam.delete_role(RoleName=role),
            what=f"role {record.name} to be free",
        )


def survey(stack: Stack) -> Iterator[Existing]:
    """List the roles under this cluster's path in any case, with their tags and policies."""
    prefix = stack.iam_name("")
    pages = stack.cloud.iam.get_paginator("list_roles").paginate(PathPrefix=IAM_ROOT)
    listed = [role for page in pages for role in page["Roles"]]
    roles = [role for role in listed if stack.shares_iam_name(role["Path"], role["RoleName"])]
    names = [role["RoleName"] for role in roles]
    tags, policies = together(
        lambda: together(*[partial(_tags, stack, name) for name in names]),
        lambda: together(*[partial(_policy, stack, name) for name in names]),
    )
    for role, tagged, policy in zip(roles, tags, policies, strict=True):
        actual = {"trust": role["AssumeRolePolicyDocument"], "policy": policy}
        yield Existing(role["RoleName"][len(prefix) :], role["Arn"], actual, ours=stack.owns(tagged))


def _tags(stack: Stack, role: str) -> dict[str, str]:
    """The tags of a role; none if it was deleted meanwhile."""
    with ignoring(GONE):
        return tags_of(stack.cloud.iam.list_role_tags(RoleName=role)["Tags"])
    return {}


def _policy(stack: Stack, role: str) -> Any:
    """The inline policy of a role; None if it has none."""
    with ignoring(GONE):
        return stack.cloud.iam.get_role_policy(RoleName=role, PolicyName=POLICY)["PolicyDocument"]
    return None


def _create(stack: Stack, name: str, trust: Any, policy: Any) -> str:
    answer = stack.wait.out(
        ("MalformedPolicyDocument: Invalid principal", "EntityTemporarilyUnmodifiable"),
        lambda: stack.cloud.iam.create_role(
            RoleName=stack.iam_name(name),
            Path=stack.iam_path,
            AssumeRolePolicyDocument=json.dumps(trust),
            Description=f"{name} of hfecs cluster {stack.cluster}",
            Tags=pairs(stack.tags(name)),
        ),
        what=f"IAM to accept role {name}",
    )
    if policy:
        _put_policy(stack, name, policy)
    return answer["Role"]["Arn"]


def _changes(stack: Stack, name: str, found: Existing, trust: Any, policy: Any) -> Iterator[Change]:
    trusted = of_document(trust, found.actual["trust"], "trust")
    yield from at_once(trusted, lambda: _put_trust(stack, name, trust))
    if policy:
        allowed = of_document(policy, found.actual["policy"], "policy")
        yield from at_once(allowed, lambda: _put_policy(stack, name, policy))


def _put_trust(stack: Stack, name: str, trust: Any) -> None:
    stack.cloud.iam.update_assume_role_policy(RoleName=stack.iam_name(name), PolicyDocument=json.dumps(trust))


def _put_policy(stack: Stack, name: str, policy: Any) -> None:
    stack.wait.out(
        (GONE,),
        lambda: stack.cloud.iam.put_role_policy(
            RoleName=stack.iam_name(name), PolicyName=POLICY, PolicyDocument=json.dumps(policy)
        ),
        what=f"role {name} to be visible",
    )
