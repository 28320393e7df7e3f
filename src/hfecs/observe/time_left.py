"""The time until a cluster shuts down: at its deadline, or after being idle for too long."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from hfecs.aws import cloudwatch
from hfecs.aws.cloudwatch import IDLE_SECONDS_LEFT
from hfecs.aws.tags import ENDS_TAG, tags_of
from hfecs.parallel import together
from hfecs.provisioning.deadline import moment
from hfecs.provisioning.stack import Stack
from hfecs.resources import auto_scaling_group, instance, scheduled_action


@dataclass(frozen=True)
class TimeLeft:
    """Seconds until the cluster shuts down at its deadline, and until it does if idle; None: unknown, or never.

    `switched_off` is the reason if it has already shut down, otherwise empty.
    """

    ends: str | None = None
    seconds: float | None = None
    idle_seconds: float | None = None
    switched_off: str = ""

    def sentences(self) -> list[str]:
        """The same as sentences."""
        if self.switched_off:
            return [f"This cluster has shut down: {self.switched_off}. Start it again: hfecs cluster up"]
        told = []
        if self.seconds is not None:
            told.append(f"Shuts down automatically in {words(self.seconds)}, unless hfecs cluster up or run renews it.")
        if self.idle_seconds is not None:
            told.append(f"Shuts down automatically in {words(self.idle_seconds)} if it stays idle.")
        return told


def look(stack: Stack) -> TimeLeft:
    """Query both in parallel; nothing for a cluster that does not exist."""
    now = datetime.now(UTC)
    machines, groups, actions, idle = together(
        lambda: {found.name: found for found in instance.survey(stack) if found.ours},
        lambda: [found for found in auto_scaling_group.survey(stack) if found.ours],
        lambda: list(scheduled_action.survey(stack)),
        lambda: cloudwatch.latest(stack.cloud, stack.cluster, [IDLE_SECONDS_LEFT], now)[IDLE_SECONDS_LEFT],
    )
    if "master" not in machines:
        emptied = any(found.actual["MaxSize"] == 0 for found in groups)
        return TimeLeft(switched_off=_reason(actions) if emptied else "")
    ends = tags_of(machines["master"].actual.get("Tags")).get(ENDS_TAG)
    end = moment(ends)
    return TimeLeft(ends, max(0.0, (end - now).total_seconds()) if end else None, idle)


def words(seconds: float) -> str:
    """A duration to the minute, in words: 11 h 5 min."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(int(seconds // 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def _reason(actions: list[Any]) -> str:
    """Auto Scaling deletes an action once carried out: if one is still scheduled, it was not the reason."""
    return "it was idle" if actions else "its time was up, or it was idle"
