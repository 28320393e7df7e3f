"""The policies that are compared: nobody's, the original's, the backlog's, and looking ahead."""

from __future__ import annotations

from replay_cloud import Settings, Watch
from replay_run import Policy

from hfecs.local.alarms import Rule
from hfecs.local.policies import CHANGE, EXACT, Step
from hfecs.local.policies import Policy as Steps

AT_LEAST, AT_MOST, LESS, MORE = (
    "GreaterThanOrEqualToThreshold",
    "LessThanOrEqualToThreshold",
    "LessThanThreshold",
    "GreaterThanThreshold",
)


def fixed(machines: int) -> Policy:
    """So many machines from the start to the end."""
    return Policy(f"fixed {machines}", machines=machines)


def original() -> Policy:
    """The Terraform project's: one machine more above 700 waiting jobs, one less below 0, and so the workers."""
    more, fewer = (Steps(CHANGE, (Step(None, None, number),)) for number in (1, -1))
    high = Rule(MORE, 700, 10, 1, 1)
    low = Rule(LESS, 0, 10, 1, 1)
    watches = (
        Watch("QueueLength", high, more, more, 300, 300),
        Watch("QueueLength", low, fewer, fewer, 300, 300),
    )
    return Policy("original", watches, machines=1)


def exactly(settings: Settings, share: int) -> Steps:
    """As many machines as it takes for the metric at `share` each; the threshold is 1."""
    steps = [
        Step(float((size - 1) * share), float(size * share) if size < settings.most else None, size)
        for size in range(1, settings.most + 1)
    ]
    return Steps(EXACT, tuple(steps))


def backlog(settings: Settings) -> Policy:
    """A machine for each two jobs that wait or run; all go when there are none."""
    steps = exactly(settings, settings.slots)
    none = Steps(EXACT, (Step(None, 0.0, 0),))
    more = Watch("Backlog", Rule(AT_LEAST, 1, 10, 1, 1, missing="notBreaching"), steps, steps, 60, 60)
    fewer = Watch("Backlog", Rule(AT_MOST, 0, 10, 3, 3, missing="ignore"), none, none, 60, 60)
    return Policy("backlog", (more, fewer))


def lookahead(settings: Settings) -> Policy:
    """The same steps for the demand that is foreseen."""
    steps = exactly(settings, settings.slots)
    none = Steps(EXACT, (Step(None, 0.0, 0),))
    watches = [
        Watch("Demand", Rule(AT_LEAST, 1, 10, 1, 1, missing="notBreaching"), steps, steps, 60, 60),
        Watch("Demand", Rule(AT_MOST, 0, 10, 1, 1, missing="ignore"), none, none, 60, 60),
    ]
    return Policy("lookahead", tuple(watches), ahead=True)
