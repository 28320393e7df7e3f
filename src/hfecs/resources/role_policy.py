"""Additional inline policies on another stack's roles, such as access to the bucket of a run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from typing import Any

from hfecs.aws.errors import ignoring
from hfecs.aws.tags import OWNER_TAG, tags_of
from hfecs.parallel import together
from hfecs.provisioning.diff import of_document
from hfecs.provisioning.resource import Change, Existing, at_once
from hfecs.provisioning.stack import Stack
from hfecs.provisioning.state import Record

KIND = "role-policy"

GONE = "NoSuchEntity"
PREFIX = "hfecs-run-"


def ensure(stack: Stack, name: str, *, role: str, document: Any) -> str:
    """Add the policy document to the role of that full name; return "role/policy"."""
    return stack.ensure(
        KIND,
        f"{role}/{PREFIX}{name}",
        survey=survey,
        create=lambda: _put(stack, role, f"{PREFIX}{name}", document),
        changes=lambda found: _changes(stack, found, document),
    )


def teardown(stack: Stack, record: Record) -> None:
    """Remove the policy from the role."""
    role, _, policy = record.id.partition("/")
    with ignoring(GONE):
        stack.cloud.iam.delete_role_policy(RoleName=role, PolicyName=policy)


def survey(stack: Stack) -> Iterator[Existing]:
    """List these policies of all roles under this cluster's path."""
    pages = stack.cloud.iam.get_paginator("list_roles").paginate(PathPrefix=stack.iam_path)
    roles = [role["RoleName"] for page in pages for role in page["Roles"] if stack.cloud.region in role["RoleName"]]
    for found in together(*[partial(_of_role, stack, role) for role in roles]):
        yield from found


def _of_role(stack: Stack, role: str) -> list[Existing]:
    with ignoring(GONE):
        names = [
            name for name in stack.cloud.iam.list_role_policies(RoleName=role)["PolicyNames"] if name.startswith(PREFIX)
        ]
        tags = tags_of(stack.cloud.iam.list_role_tags(RoleName=role)["Tags"]) if names else {}
        ours = tags.get(OWNER_TAG) == stack.cluster
        return [_read(stack, role, name, ours=ours) for name in names]
    return []


def _read(stack: Stack, role: str, policy: str, *, ours: bool) -> Existing:
    document = stack.cloud.iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"]
    return Existing(f"{role}/{policy}", f"{role}/{policy}", document, ours)


def _put(stack: Stack, role: str, policy: str, document: Any) -> str:
    stack.wait.out(
        (GONE,),
        lambda: stack.cloud.iam.put_role_policy(RoleName=role, PolicyName=policy, PolicyDocument=json.dumps(document)),
        what=f"role {role} to be visible",
    )
    return f"{role}/{policy}"


def _changes(stack: Stack, found: Existing, document: Any) -> Iterator[Change]:
    role, _, policy = found.id.partition("/")
    allowed = of_document(document, found.actual, "policy")
    yield from at_once(allowed, lambda: _put(stack, role, policy, document))
