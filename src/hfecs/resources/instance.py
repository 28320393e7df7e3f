"""Machines outside the Auto Scaling group: master, runner, monitoring; and their drift from their launch settings."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any

from hfecs.aws.errors import ignoring
from hfecs.aws.reasons import known
from hfecs.aws.tags import DIGEST_TAG, NAME_TAG, OWNER_TAG, pairs, tags_of
from hfecs.errors import AwsFailed, Misused
from hfecs.provisioning.diff import Differences, details
from hfecs.provisioning.resource import NOT_YET, Change, Existing, Planned, at_once, digest
from hfecs.provisioning.stack import Stack
from hfecs.provisioning.state import Record

KIND = "instance"

# The profile or the security group was created a moment ago and EC2 does not know it yet; a real mistake gives the same
# codes for two minutes.
NOT_VISIBLE = (
    "InvalidParameterValue: Invalid IAM Instance Profile",
    "InvalidParameterValue: has no associated IAM Roles",
    "InvalidGroup.NotFound",
)
GONE = "InvalidInstanceID.NotFound"
# An idempotency token was used for another request: the machine it stands for is recorded, and gone.
USED = "IdempotentParameterMismatch"
# A new machine appears within seconds, but EC2 may take minutes.
VISIBLE_WITHIN = 120.0

# EC2 tells these under the names that RunInstances has for them.
TOLD = ("ImageId", "InstanceType", "KeyName", "SubnetId", "MetadataOptions")
# These can be changed on a machine that runs.
MENDABLE = ("SecurityGroupIds", "MetadataOptions")


def ensure(stack: Stack, name: str, *, launch: Any, interrupts: str = "") -> str:
    """Create one machine with these launch parameters; return its id. A machine that differs is replaced."""
    return stack.ensure(
        KIND,
        name,
        survey=survey,
        create=lambda: _create(stack, name, launch),
        changes=lambda found: _changes(stack, name, found, launch, interrupts),
    )


def private_address(stack: Stack, name: str, instance_id: str) -> str:
    """The address by which other parts reach a machine; known from its launch on."""
    if isinstance(instance_id, Planned):
        return NOT_YET
    found = stack.found(KIND, name, survey)
    instance = found.actual if found and found.id == instance_id else _describe(stack, instance_id)
    return str(instance["PrivateIpAddress"])


def public_address(stack: Stack, name: str) -> str:
    """The address by which a user reaches a machine; its private one if it has no public one."""
    found = stack.found(KIND, name, survey)
    if not found:
        raise Misused(f"Cluster {stack.cluster} has no machine {name}.", hint="create it: hfecs cluster up")
    return str(found.actual.get("PublicIpAddress") or found.actual["PrivateIpAddress"])


def check(stack: Stack, name: str, instance_id: str) -> None:
    """AwsFailed with EC2's reason if a machine has ended since its launch: it will never join its cluster."""
    for machine in _instances(stack, [{"Name": "instance-id", "Values": [instance_id]}]):
        if _has_ended(machine):
            raise _ended(name, machine)


def teardown(stack: Stack, record: Record) -> None:
    """Terminate the machine and wait until it is gone."""

    def gone() -> bool:
        instances = _instances(stack, [{"Name": "instance-id", "Values": [record.id]}])
        return all(instance["State"]["Name"] == "terminated" for instance in instances)

    with ignoring(GONE):
        stack.wait.out(
            (GONE,),
            lambda: stack.cloud.ec2.terminate_instances(InstanceIds=[record.id]),
            what=f"machine {record.name} ({record.id}) to be visible",
            timeout=_patience(record),
        )
    stack.wait.until(gone, what=f"machine {record.name} ({record.id}) to terminate", timeout=600, every=3)


def _patience(record: Record) -> float:
    """Seconds in which "no such machine" means "not visible yet": only for one that was just launched."""
    age = datetime.now(UTC) - datetime.fromisoformat(record.created)
    return VISIBLE_WITHIN if age.total_seconds() < VISIBLE_WITHIN else 0.0


def survey(stack: Stack) -> Iterator[Existing]:
    """List this cluster's live machines outside the Auto Scaling group."""
    filters = [
        {"Name": f"tag:{OWNER_TAG}", "Values": [stack.cluster]},
        {"Name": "instance-state-name", "Values": ["pending", "running", "stopping", "stopped"]},
    ]
    for instance in _instances(stack, filters):
        tags = tags_of(instance.get("Tags"))
        if NAME_TAG in tags and "aws:autoscaling:groupName" not in tags:
            yield Existing(tags[NAME_TAG], instance["InstanceId"], instance, ours=stack.owns(tags))


def _create(stack: Stack, name: str, launch: Any) -> str:
    record = next((one for one in stack.records if (one.kind, one.name) == (KIND, name)), None)
    instance: Any = None
    with ignoring(*((USED,) if record and _is_gone(stack, record) else ())):
        instance = _run(stack, name, launch)
    if instance is None or _has_ended(_as_it_is(stack, record, instance)):
        # The machine has ended. Its token outlives it, and only a new token gives a new machine.
        stack.state.forget(stack.name, record or Record(KIND, name, instance["InstanceId"]))
        instance = _run(stack, name, launch)
    if _has_ended(instance):
        raise _ended(name, instance)
    return str(instance["InstanceId"])


def _ended(name: str, machine: Any) -> AwsFailed:
    """The end of a machine at its launch, as an error: EC2's reason, its sentence and hint if it is known."""
    said = str(machine.get("StateReason", {}).get("Message", "")) or "no reason given"
    reason = known(said)
    why = f"{reason.sentence} (AWS: {said})" if reason else said
    hint = f"{reason.hint}; then run the same command again" if reason else "run the same command again"
    return AwsFailed(f"Machine {name} ended at its launch: {why}.", hint)


def _is_gone(stack: Stack, record: Record) -> bool:
    """Whether a recorded machine that the survey did not find has ended, or is just not visible yet."""
    shown = _instances(stack, [{"Name": "instance-id", "Values": [record.id]}])
    return all(_has_ended(one) for one in shown) if shown else not _patience(record)


def _has_ended(instance: Any) -> bool:
    return instance["State"]["Name"] in ("shutting-down", "terminated")


def _as_it_is(stack: Stack, record: Record | None, instance: Any) -> Any:
    """The launched machine; if the token stands for an earlier launch, EC2 returns it as it was then."""
    now = datetime.now(UTC)
    is_new = (now - instance.get("LaunchTime", now)).total_seconds() < VISIBLE_WITHIN
    if is_new and not (record and record.id == instance["InstanceId"]):
        return instance
    return next(iter(_instances(stack, [{"Name": "instance-id", "Values": [instance["InstanceId"]]}])), instance)


def _run(stack: Stack, name: str, launch: Any) -> Any:
    tags = stack.tags(name) | {DIGEST_TAG: digest(launch), "Name": stack.full_name(name)}
    specifications: Any = [{"ResourceType": kind, "Tags": pairs(tags)} for kind in ("instance", "volume")]
    answer = stack.wait.out(
        NOT_VISIBLE,
        lambda: stack.cloud.ec2.run_instances(
            **launch, MinCount=1, MaxCount=1, TagSpecifications=specifications, ClientToken=stack.token(KIND, name)
        ),
        what="the instance profile and the security group to be visible to EC2",
    )
    return answer["Instances"][0]


def _changes(stack: Stack, name: str, found: Existing, launch: Any, interrupts: str) -> Iterator[Change]:
    """A machine is replaced if its launch parameters changed; manual changes to it are reverted in place."""
    actual, wanted = tags_of(found.actual.get("Tags")).get(DIGEST_TAG, "none"), digest(launch)
    relaunched = actual != wanted
    fields = launch_differences(found.actual, launch)
    if relaunched:
        fields |= user_data_differences(stack, found.id, launch)
        fields = fields or {"launch": (actual[:8], wanted[:8])}
    if relaunched or not can_be_repaired(fields):
        yield from at_once(
            fields, partial(_replace, stack, name, found.id, launch), interrupts=interrupts, replaces=True
        )
        return
    yield from at_once(fields, partial(repair_launch, stack, found.id, launch))
    if (state := found.actual["State"]["Name"]) in ("stopping", "stopped"):
        yield Change("State", state, "running", partial(_start, stack, name, found.id))


def _start(stack: Stack, name: str, instance_id: str) -> None:
    """Start a stopped machine; if it is still stopping, wait first."""
    stack.wait.out(
        ("IncorrectInstanceState",),
        lambda: stack.cloud.ec2.start_instances(InstanceIds=[instance_id]) and None,
        what=f"machine {name} ({instance_id}) to stop",
    )


def _replace(stack: Stack, name: str, instance_id: str, launch: Any) -> str:
    record = Record(KIND, name, instance_id)
    teardown(stack, record)
    stack.state.forget(stack.name, record)
    return _create(stack, name, launch)


def _describe(stack: Stack, instance_id: str) -> Any:
    """The machine as EC2 describes it; a new one may take seconds to appear."""
    filters = [{"Name": "instance-id", "Values": [instance_id]}]
    return stack.wait.until(
        lambda: _instances(stack, filters), what=f"machine {instance_id} to be visible", timeout=120
    )[0]


def of_cluster(stack: Stack, *filters: Any) -> list[Any]:
    """Every machine with the cluster's tag, as EC2 describes it: of all stacks, of the group, just ended ones too."""
    return _instances(stack, [{"Name": f"tag:{OWNER_TAG}", "Values": [stack.cluster]}, *filters])


def _instances(stack: Stack, filters: list[Any]) -> list[Any]:
    pages = stack.cloud.ec2.get_paginator("describe_instances").paginate(Filters=filters)
    return [instance for page in pages for group in page["Reservations"] for instance in group["Instances"]]


def launch_differences(instance: Any, launch: Any) -> Differences:
    """The launch parameters in which a machine differs, of those that EC2 tells."""
    profile = instance.get("IamInstanceProfile", {}).get("Arn", "").rpartition("/")[2]
    # moto tells the groups that were given for the interface as the interface's only.
    interface: Any = next(iter(instance.get("NetworkInterfaces", [])), {})
    groups = instance.get("SecurityGroups") or interface.get("Groups", [])
    actual = {
        **{field: instance.get(field) for field in TOLD},
        "IamInstanceProfile": {"Name": profile},
        "SecurityGroupIds": [group["GroupId"] for group in groups],
    }
    told = _flat(launch)
    wanted = {field: told[field] for field in actual if field in told}
    return details({"KeyName": None, **wanted}, actual)


def _flat(launch: Any) -> Any:
    """Launch parameters with subnet and security groups at the top, also if they are those of the interface."""
    interface: Any = next(iter(launch.get("NetworkInterfaces", [])), {})
    names = {"SubnetId": "SubnetId", "Groups": "SecurityGroupIds"}
    return launch | {names[field]: value for field, value in interface.items() if field in names}


def user_data_differences(stack: Stack, instance_id: str, launch: Any) -> Differences:
    """What the machine was told at its first start, if that differs: one call."""
    with ignoring("InvalidInstanceID.NotFound"):
        answer = stack.cloud.ec2.describe_instance_attribute(InstanceId=instance_id, Attribute="userData")
        old = base64.b64decode(answer.get("UserData", {}).get("Value", "")).decode(errors="replace")
        return details({"UserData": launch.get("UserData", "")}, {"UserData": old})
    return {}


def can_be_repaired(fields: Differences) -> bool:
    """Whether all of these can be changed while the machine runs."""
    return all(field.partition(".")[0] in MENDABLE for field in fields)


def repair_launch(stack: Stack, instance_id: str, launch: Any) -> None:
    """Put a machine back into its security groups, and its metadata service to its settings."""
    stack.cloud.ec2.modify_instance_attribute(InstanceId=instance_id, Groups=_flat(launch)["SecurityGroupIds"])
    stack.cloud.ec2.modify_instance_metadata_options(InstanceId=instance_id, **launch["MetadataOptions"])
