"""How long a cluster still stands: until its deadline, and until nothing to do has lasted for too long."""

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
    """Seconds until a cluster ends whatever it does, and until it ends if nothing is to do; None: not known, or never.

    `switched_off` says why it has ended already; empty while it stands.
    """

    ends: str | None = None
    seconds: float | None = None
    idle_seconds: float | None = None
    switched_off: str = ""

    def sentences(self) -> list[str]:
        """The same for people."""
        if self.switched_off:
            return [f"This cluster has switched itself off: {self.switched_off}. Bring it back: hfecs cluster up"]
        told = []
        if self.seconds is not None:
            told.append(f"Ends by itself in {words(self.seconds)}, unless hfecs cluster up or run renews it.")
        if self.idle_seconds is not None:
            told.append(f"Ends by itself in {words(self.idle_seconds)} if no job and no run comes.")
        return told


def look(stack: Stack) -> TimeLeft:
    """Ask for all of it side by side; nothing of a cluster that does not stand."""
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
    """A time as people say it, to the minute: 11 h 5 min."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(int(seconds // 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def _reason(actions: list[Any]) -> str:
    """Auto Scaling forgets an action that it has carried out: one that is still to come was not what ended it."""
    return "it had nothing to do" if actions else "its time was over, or it had nothing to do"
