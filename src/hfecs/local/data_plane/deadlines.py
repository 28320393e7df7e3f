"""Carry out deadlines: machines shut down at the time in their tag, groups resize at that of their actions."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime
from typing import Any

from hfecs.aws.tags import ENDS_TAG, NAME_TAG, OWNER_TAG
from hfecs.local.data_plane.auto_scaling_groups import AutoScalingGroups
from hfecs.local.data_plane.machines import LIVING, Machine, Machines
from hfecs.local.data_plane.shared import SharedState

SIZES = ("min_size", "max_size", "desired_capacity")


class Deadlines:
    """A machine's own timer and Auto Scaling's scheduler, as on AWS."""

    def __init__(self, cloud: SharedState, machines: Machines, groups: AutoScalingGroups) -> None:
        self.cloud = cloud
        self.machines = machines
        self.groups = groups

    def step(self, now: float) -> None:
        """Carry out what is due; `now` in seconds since 1970."""
        living = [machine for machine in self.machines.by_id.values() if machine.instance.state in LIVING]
        masters: defaultdict[str, defaultdict[str, str]] = defaultdict(lambda: defaultdict(str))
        masters |= {tags[OWNER_TAG]: tags for machine in living if (tags := _tags(machine))[NAME_TAG] == "master"}
        for machine in living:
            whose = machine.boot.deadline_of
            due = seconds_of((_tags(machine) if whose == "itself" else masters[whose])[ENDS_TAG])
            if due is not None and due <= now:
                self._shut_down(machine, of_group=whose != "itself")
        for _, backend in self.cloud.regions("autoscaling"):
            for name, action in list(backend.scheduled_actions.items()):
                due = seconds_of(action.start_time)
                if due is not None and due <= now:
                    del backend.scheduled_actions[name]
                    self._carry_out(backend.autoscaling_groups.get(action.auto_scaling_group_name), action)

    def _shut_down(self, machine: Machine, *, of_group: bool) -> None:
        """A group's machine that has shut down is unhealthy, and its group terminates it."""
        if of_group:
            machine.instance.terminate()
        else:
            self.machines.shut_down(machine)
        self.cloud.wake()

    def _carry_out(self, group: Any, action: Any) -> None:
        if group is None:
            return
        for size in SIZES:
            if getattr(action, size) is not None:
                setattr(group, size, getattr(action, size))
        capacity = max(group.min_size, min(group.max_size, group.desired_capacity))
        self.groups.change(group, capacity, f"Scheduled action {action.scheduled_action_name} was executed")


def seconds_of(time: object) -> float | None:
    """Seconds since 1970 of a time from moto or a tag; None for `never` and invalid times."""
    if isinstance(time, datetime):
        return time.replace(tzinfo=time.tzinfo or UTC).timestamp()
    try:
        return datetime.fromisoformat(str(time)).replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None


def _tags(machine: Machine) -> defaultdict[str, str]:
    return defaultdict(str, {tag["key"]: tag["value"] for tag in machine.instance.get_tags()})
