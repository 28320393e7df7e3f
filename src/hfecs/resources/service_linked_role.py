"""Service-linked roles: the account has them once and for all; they are made if absent and never removed."""

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
    """Make the account have the role of a service such as ecs.amazonaws.com."""
    if stack.found(KIND, service, survey):
        return
    if not stack.plan:
        with ignoring(*TAKEN):
            stack.cloud.iam.create_service_linked_role(AWSServiceName=service)
    stack.report(Outcome.CREATED, KIND, service, service, "belongs to the account, stays when the cluster goes")


def teardown(stack: Stack, record: Record) -> None:
    """Leave it: other users of the account need it."""


def survey(stack: Stack) -> Iterable[Existing]:
    """List the account's service-linked roles; they are nobody's, so none is ours to remove."""
    pages = stack.cloud.iam.get_paginator("list_roles").paginate(PathPrefix="/aws-service-role/")
    for page in pages:
        for role in page["Roles"]:
            yield Existing(role["Path"].split("/")[2], role["RoleName"])
