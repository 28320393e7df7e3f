"""The dead man's switch: machines end by themselves when their time is over or nothing is left to do.

The deadline stands as a tag on each machine outside the group, where the machine itself looks every minute, and as a
scheduled action of the group. `up` and `run` renew it. That nothing is left to do, the notifier finds out.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial

from hfecs.aws.tags import IDLE_TAG, tags_of
from hfecs.config import Config
from hfecs.parallel import together
from hfecs.provisioning.deadline import Deadline
from hfecs.provisioning.stack import Stack
from hfecs.provisioning.teardown import absent
from hfecs.resources import auto_scaling_group, deadline_tag, instance, scheduled_action

ACTION = "overdue"
# The machines of a cluster outside its group that stay from run to run.
LASTING = ("master", "monitoring")


def deadline(config: Config) -> Deadline:
    """Until when machines that are needed now may live."""
    return Deadline.after(config.cluster.max_hours, datetime.now(UTC))


def arm_machine(stack: Stack, config: Config, name: str, machine: str) -> None:
    """Let a machine outside the group end at the deadline; the master also knows when a cluster counts as idle."""
    told = {IDLE_TAG: f"{config.cluster.idle_minutes:g}"} if name == "master" else {}
    known = stack.seen(instance.KIND, name)
    tags = tags_of(known.actual.get("Tags")) if known and known.id == machine else {}
    deadline_tag.ensure(stack, name, machine=machine, tags=tags, deadline=deadline(config), told=told)


def arm_group(stack: Stack, config: Config, group: str) -> None:
    """Let the group end at the deadline; without one, never."""
    end = deadline(config)
    if end.at is None:
        absent(stack, scheduled_action, ACTION)
    else:
        scheduled_action.ensure(stack, ACTION, group=group, deadline=end)


def renew(stack: Stack, config: Config) -> None:
    """Give all that stands of a cluster its time once more, the monitoring too: a run begins that needs it."""
    machines = [(name, known.id) for name in LASTING if (known := stack.seen(instance.KIND, name))]
    group = stack.found(auto_scaling_group.KIND, "workers", auto_scaling_group.survey)
    together(
        *[partial(arm_machine, stack, config, name, machine) for name, machine in machines],
        *([partial(arm_group, stack, config, group.id)] if group else []),
    )
