"""Log groups: where the containers' output goes."""

from __future__ import annotations

from collections.abc import Iterator

from hfecs.aws.errors import ignoring
from hfecs.provisioning.resource import Change, Existing
from hfecs.provisioning.stack import Stack
from hfecs.provisioning.state import Record

KIND = "log-group"


def full_name(stack: Stack) -> str:
    """One group for a cluster, and one for its monitoring; stream names start with the part."""
    return f"/hfecs/{stack.cluster}{'/monitoring' if stack.name == 'monitoring' else ''}"


def ensure(stack: Stack, name: str, *, retention_days: int) -> str:
    """Create the group with a retention of `retention_days`; return its name."""
    return stack.ensure(
        KIND,
        name,
        survey=survey,
        create=lambda: _create(stack, name, retention_days),
        changes=lambda found: _changes(stack, found, retention_days),
        exists_codes=["ResourceAlreadyExistsException"],
    )


def teardown(stack: Stack, record: Record) -> None:
    """Delete the group with all its logs."""

    def delete() -> None:
        with ignoring("ResourceNotFoundException"):
            stack.cloud.logs.delete_log_group(logGroupName=record.id)

    stack.wait.out(("OperationAbortedException",), delete, what=f"log group {record.id} to be free")


def survey(stack: Stack) -> Iterator[Existing]:
    """List this cluster's group."""
    for group in stack.cloud.logs.describe_log_groups(logGroupNamePrefix=full_name(stack))["logGroups"]:
        if group["logGroupName"] == full_name(stack):
            arn = group["arn"].removesuffix(":*")
            tags = stack.cloud.logs.list_tags_for_resource(resourceArn=arn)["tags"]
            yield Existing("logs", group["logGroupName"], group, ours=stack.owns(tags))


def _create(stack: Stack, name: str, retention_days: int) -> str:
    stack.wait.out(
        ("OperationAbortedException",),
        lambda: stack.cloud.logs.create_log_group(logGroupName=full_name(stack), tags=stack.tags(name)),
        what="the log group to be free",
    )
    _keep(stack, retention_days)
    return full_name(stack)


def _changes(stack: Stack, found: Existing, retention_days: int) -> Iterator[Change]:
    actual = found.actual.get("retentionInDays")
    if actual != retention_days:
        yield Change("retention_days", actual, retention_days, lambda: _keep(stack, retention_days))


def _keep(stack: Stack, retention_days: int) -> None:
    stack.cloud.logs.put_retention_policy(logGroupName=full_name(stack), retentionInDays=retention_days)
