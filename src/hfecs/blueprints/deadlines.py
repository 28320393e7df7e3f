"""Automatic shutdown: machines end when their time is up or when they have been idle for too long.

The deadline is a tag on each machine outside the group, which the machine checks every minute, and a scheduled
action of the group. `up` and `run` renew it. The notifier detects idleness.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial

from hfecs.aws.tags import ENDS_TAG, IDLE_TAG, tags_of
from hfecs.config import Config
from hfecs.parallel import together
from hfecs.provisioning.deadline import NEVER, Deadline
from hfecs.provisioning.stack import Stack
from hfecs.provisioning.teardown import absent
from hfecs.resources import auto_scaling_group, deadline_tag, instance, scheduled_action

ACTION = "overdue"
# The cluster's machines outside its group that stay from run to run.
LASTING = ("master", "monitoring")


def arm_machine(stack: Stack, config: Config, name: str, machine: str, *, renewing: bool = False) -> None:
    """Make a machine outside the group end at the deadline; the master also gets the idle limit of the cluster.

    `renewing` keeps what an earlier command has set: a later deadline, and the idle limit.
    """
    told = {IDLE_TAG: f"{config.cluster.idle_minutes:g}"} if name == "master" else {}
    tags = _tags(stack, name, machine)
    kept = {tag: value for tag, value in told.items() if not (renewing and tag in tags)}
    deadline_tag.ensure(stack, name, machine=machine, tags=tags, deadline=_deadline(config, renewing), told=kept)


def arm_group(stack: Stack, config: Config, group: str, *, renewing: bool = False) -> None:
    """Make the group end at the deadline; without one, never. `renewing` keeps a later one."""
    end = _deadline(config, renewing)
    if end.at is None:
        absent(stack, scheduled_action, ACTION)
    else:
        scheduled_action.ensure(stack, ACTION, group=group, deadline=end)


def renew(stack: Stack, config: Config) -> None:
    """Renew the deadline of the whole cluster, monitoring included, for a run that is about to start.

    It never comes earlier by this: another run may count on it.
    """
    machines = {name: known.id for name in LASTING if (known := stack.seen(instance.KIND, name))}
    group = stack.found(auto_scaling_group.KIND, "workers", auto_scaling_group.survey)
    never = "master" in machines and _tags(stack, "master", machines["master"]).get(ENDS_TAG) == NEVER
    together(
        *[partial(arm_machine, stack, config, name, machine, renewing=True) for name, machine in machines.items()],
        *([partial(arm_group, stack, config, group.id, renewing=True)] if group and not never else []),
    )


def _deadline(config: Config, renewing: bool) -> Deadline:
    """Until when machines that are needed now may run."""
    return Deadline.after(config.cluster.max_hours, datetime.now(UTC), at_least=renewing)


def _tags(stack: Stack, name: str, machine: str) -> dict[str, str]:
    known = stack.seen(instance.KIND, name)
    return tags_of(known.actual.get("Tags")) if known and known.id == machine else {}
