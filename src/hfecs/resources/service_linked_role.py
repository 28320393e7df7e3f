"""Service-linked roles: the account has each once; created if absent and never deleted."""

from __future__ import annotations

from collections.abc import Iterable

from hfecs.aws.errors import ignoring
from hfecs.provisioning.report import Outcome
from hfecs.provisioning.resource import Existing
from hfecs.provisioning.stack import Stack
from hfecs.provisioning.state import Record

KIND = "service-linked-role"

TAKEN = ("InvalidInput: has been taken", "EntityAlreadyExists")


def ensure(stack: Stack, service: str) -> None:
    """Create the role of a service such as ecs.amazonaws.com, if the account lacks it."""
    if stack.found(KIND, service, survey):
        return
    if not stack.plan:
        with ignoring(*TAKEN):
            stack.cloud.iam.create_service_linked_role(AWSServiceName=service)
    stack.report(Outcome.CREATED, KIND, service, service, "belongs to the account, stays when the cluster is deleted")


def teardown(stack: Stack, record: Record) -> None:
    """Keep it: other users of the account need it."""


def survey(stack: Stack) -> Iterable[Existing]:
    """List the account's service-linked roles; none of them is ours to delete."""
    pages = stack.cloud.iam.get_paginator("list_roles").paginate(PathPrefix="/aws-service-role/")
    for page in pages:
        for role in page["Roles"]:
            yield Existing(role["Path"].split("/")[2], role["RoleName"])
