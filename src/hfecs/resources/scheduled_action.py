"""Scheduled actions of the Auto Scaling group: at the deadline AWS removes all its machines."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC
from typing import Any

from hfecs.aws.errors import ignoring
from hfecs.provisioning.deadline import Deadline
from hfecs.provisioning.diff import differences
from hfecs.provisioning.resource import Change, Existing
from hfecs.provisioning.stack import Stack
from hfecs.provisioning.state import Record

KIND = "scheduled-action"

BUSY = ("ResourceContention",)
EMPTY = {"MinSize": 0, "MaxSize": 0, "DesiredCapacity": 0}


def ensure(stack: Stack, name: str, *, group: str, deadline: Deadline) -> str:
    """Schedule the group to have no machines from the deadline on; return the action's name in AWS."""
    return stack.ensure(
        KIND,
        name,
        survey=survey,
        create=lambda: _put(stack, name, group, deadline),
        changes=lambda found: _changes(stack, name, found, group, deadline),
    )


def teardown(stack: Stack, record: Record) -> None:
    """Delete the action; it also disappears with its group, and once carried out."""
    with ignoring("ValidationError"):
        stack.cloud.autoscaling.delete_scheduled_action(
            AutoScalingGroupName=stack.full_name("workers"), ScheduledActionName=stack.full_name(record.name)
        )


def survey(stack: Stack) -> Iterator[Existing]:
    """List the pending actions of this cluster's group."""
    prefix, group = stack.full_name(""), stack.full_name("workers")
    for page in stack.cloud.autoscaling.get_paginator("describe_scheduled_actions").paginate():
        for action in page["ScheduledUpdateGroupActions"]:
            full_name = action["ScheduledActionName"]
            if action["AutoScalingGroupName"] == group:
                name, within = full_name.removeprefix(prefix), ("auto-scaling-group", "workers")
                yield Existing(name, full_name, action, within=within)


def starts(found: Existing) -> str:
    """When an action is due, in the format of a deadline."""
    start = found.actual.get("StartTime")
    return str(Deadline(start.astimezone(UTC))) if start else "none"


def _put(stack: Stack, name: str, group: str, deadline: Deadline) -> str:
    full_name, start = stack.full_name(name), deadline.at
    action: Any = {"AutoScalingGroupName": group, "ScheduledActionName": full_name, "StartTime": start, **EMPTY}
    stack.wait.out(
        BUSY,
        lambda: stack.cloud.autoscaling.put_scheduled_update_group_action(**action),
        what=f"group {group} to be free",
    )
    return full_name


def _changes(stack: Stack, name: str, found: Existing, group: str, deadline: Deadline) -> Iterator[Change]:
    def put() -> str:
        return _put(stack, name, group, deadline)

    if not deadline.is_right(starts(found), planning=stack.plan):
        yield Change("deadline", starts(found), str(deadline), put)
    elif changed := differences(EMPTY, found.actual):
        yield Change("sizes", {field: pair[0] for field, pair in changed.items()}, EMPTY, put)
