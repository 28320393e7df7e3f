"""Auto Scaling groups: as many machines from one launch template as the work requires."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from hfecs.aws.errors import ignoring
from hfecs.aws.tags import tags_of
from hfecs.provisioning.diff import details, differences
from hfecs.provisioning.resource import NOT_YET, Change, Existing, at_once
from hfecs.provisioning.stack import Stack
from hfecs.provisioning.state import Record

KIND = "auto-scaling-group"

TEMPLATE_NOT_READY = (
    "ValidationError: Invalid IAM Instance Profile",
    "ValidationError: valid fully-formed launch template",
    "ServiceLinkedRoleFailure",
    "ResourceContention",
)
GONE = "ValidationError: not found"
# Without these a cluster does not grow or shrink. The others, such as AZRebalance, stay as a person left them.
NEEDED_PROCESSES = ("AlarmNotification", "Launch", "ScheduledActions", "Terminate")


def ensure(
    stack: Stack,
    name: str,
    *,
    template_id: str,
    subnet_ids: list[str],
    sizes: Mapping[str, int],
    desired: int,
    tags: Mapping[str, str] | None = None,
) -> str:
    """Create or update the group with this template, subnets and `sizes` (MinSize, MaxSize); return its name.

    `desired` is the initial number of machines; later the autoscaler owns that number. `tags` are added to ours on a
    new group and its machines.
    """
    wanted = {"VPCZoneIdentifier": ",".join(sorted(subnet_ids)), "HealthCheckGracePeriod": 300, **sizes}
    carried = stack.tags(name) | {"Name": stack.full_name(name)} | dict(tags or {})

    def create() -> str:
        return _create(stack, name, template_id, carried, {**wanted, "DesiredCapacity": desired})

    def anew() -> str:
        _wait_until_gone(stack, name)
        return create()

    def changes(found: Existing) -> Iterable[Change]:
        # AWS lists a group until its last machine has ended.
        if being_deleted := found.actual.get("Status"):
            return [Change("Status", being_deleted, "in service", anew)]
        return _changes(stack, found, template_id, _revived(found, wanted, desired))

    return stack.ensure(
        KIND,
        name,
        survey=survey,
        create=create,
        changes=changes,
        exists_codes=["AlreadyExists"],
    )


def teardown(stack: Stack, record: Record) -> None:
    """Delete the group with its machines and wait until both are gone."""

    def gone() -> bool:
        groups = stack.cloud.autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[record.id])
        return not groups["AutoScalingGroups"] and not _machines(stack, record.id)

    def delete() -> None:
        with ignoring(GONE):
            stack.cloud.autoscaling.delete_auto_scaling_group(AutoScalingGroupName=record.id, ForceDelete=True)

    busy = ("ScalingActivityInProgress", "ResourceContention", "ResourceInUse")
    stack.wait.out(busy, delete, what=f"group {record.name} to be free", timeout=600)
    stack.wait.until(gone, what=f"the machines of group {record.name} to terminate", timeout=600, every=3)


def arn(stack: Stack, name: str) -> str:
    """The ARN of an existing group; before it is created, a placeholder."""
    known = stack.seen(KIND, name)
    if known and not known.actual.get("Status"):
        return str(known.actual["AutoScalingGroupARN"])
    if stack.plan:
        return NOT_YET
    names = [stack.full_name(name)]

    def shown() -> list[Any]:
        answer = stack.cloud.autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=names)
        return [group["AutoScalingGroupARN"] for group in answer["AutoScalingGroups"]]

    return str(stack.wait.until(shown, what=f"group {name} to be visible", timeout=120)[0])


def survey(stack: Stack) -> Iterator[Existing]:
    """List the groups with this cluster's names."""
    prefix = stack.full_name("")
    for page in stack.cloud.autoscaling.get_paginator("describe_auto_scaling_groups").paginate():
        for group in page["AutoScalingGroups"]:
            full_name = group["AutoScalingGroupName"]
            if full_name.startswith(prefix):
                ours = stack.owns(tags_of(group["Tags"]))
                yield Existing(full_name.removeprefix(prefix), full_name, group, ours)


def _create(stack: Stack, name: str, template_id: str, carried: Mapping[str, str], wanted: Mapping[str, Any]) -> str:
    full_name = stack.full_name(name)
    tags: Any = [
        {
            "Key": key,
            "Value": value,
            "PropagateAtLaunch": True,
            "ResourceType": "auto-scaling-group",
            "ResourceId": full_name,
        }
        for key, value in carried.items()
    ]
    stack.wait.out(
        TEMPLATE_NOT_READY,
        lambda: stack.cloud.autoscaling.create_auto_scaling_group(
            AutoScalingGroupName=full_name, LaunchTemplate=_latest(template_id), Tags=tags, **wanted
        ),
        what="the launch template to be usable",
    )
    return full_name


def _wait_until_gone(stack: Stack, name: str) -> None:
    def gone() -> bool:
        names = [stack.full_name(name)]
        return not stack.cloud.autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=names)[
            "AutoScalingGroups"
        ]

    stack.wait.until(gone, what=f"the old group {name} to be deleted", timeout=600, every=3)


def _revived(found: Existing, wanted: Mapping[str, Any], desired: int) -> Mapping[str, Any]:
    """The desired sizes; for a group that was shut down, the initial number of machines."""
    switched_off = found.actual.get("MaxSize") == 0 and wanted["MaxSize"] > 0
    return {**wanted, "DesiredCapacity": desired} if switched_off else wanted


def _changes(stack: Stack, found: Existing, template_id: str, wanted: Mapping[str, Any]) -> Iterator[Change]:
    def update(**fields: Any) -> None:
        stack.cloud.autoscaling.update_auto_scaling_group(AutoScalingGroupName=found.id, **fields)

    # AWS returns the subnets in its own order.
    subnets = ",".join(sorted(found.actual["VPCZoneIdentifier"].split(",")))
    changed = differences(wanted, {**found.actual, "VPCZoneIdentifier": subnets})
    # In one call: between two calls, the minimum might exceed the maximum.
    yield from at_once(changed, lambda: update(**{field: new for field, (_, new) in changed.items()}))
    if template := details(_latest(template_id), found.actual.get("LaunchTemplate", {}), "LaunchTemplate"):
        yield from at_once(template, lambda: update(LaunchTemplate=_latest(template_id)))
    processes = (process["ProcessName"] for process in found.actual.get("SuspendedProcesses", []))
    if suspended := [name for name in processes if name in NEEDED_PROCESSES]:
        yield Change("SuspendedProcesses", sorted(suspended), [], lambda: _resume(stack, found.id, suspended))


def _resume(stack: Stack, group: str, processes: list[str]) -> None:
    stack.cloud.autoscaling.resume_processes(AutoScalingGroupName=group, ScalingProcesses=processes)


def _latest(template_id: str) -> Any:
    return {"LaunchTemplateId": template_id, "Version": "$Latest"}


def _machines(stack: Stack, group: str) -> list[Any]:
    """The group's machines that are still alive: AWS drops the group before its machines have ended."""
    filters: Any = [
        {"Name": "tag:aws:autoscaling:groupName", "Values": [group]},
        {"Name": "instance-state-name", "Values": ["pending", "running", "shutting-down", "stopping", "stopped"]},
    ]
    return stack.cloud.ec2.describe_instances(Filters=filters)["Reservations"]
