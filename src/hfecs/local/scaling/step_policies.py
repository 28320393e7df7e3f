"""How step scaling policies change a capacity: pure functions, shared by the local cloud and the replay of runs.

Sources: the user guides of EC2 Auto Scaling (step and simple scaling, warm-up) and of Application Auto Scaling (step
scaling, cooldown).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

EXACT = "ExactCapacity"
CHANGE = "ChangeInCapacity"
PERCENT = "PercentChangeInCapacity"


@dataclass(frozen=True)
class Step:
    """An adjustment for a metric between two distances from the alarm's threshold; None: unbounded."""

    lower: float | None
    upper: float | None
    adjustment: int

    def holds(self, distance: float) -> bool:
        """Whether the distance is in this step; the bound nearer to the threshold is inclusive.

        At the threshold itself the alarm decides the side: a low one at "20 or less" only has steps below 0.
        """
        lower = -math.inf if self.lower is None else self.lower
        upper = math.inf if self.upper is None else self.upper
        if distance == 0:
            return lower <= 0 <= upper
        return lower <= distance < upper if distance > 0 else lower < distance <= upper


@dataclass(frozen=True)
class Policy:
    """A step policy: `minimum_change` applies to percentages only."""

    adjustment_type: str
    steps: tuple[Step, ...]
    minimum_change: int = 0


@dataclass(frozen=True)
class Bounds:
    """The minimum and maximum of a capacity."""

    least: int
    most: int

    def hold(self, capacity: int) -> int:
        """The nearest capacity within the limits."""
        return max(self.least, min(self.most, capacity))


@dataclass(frozen=True)
class Cooldown:
    """Application Auto Scaling's record of its last change: when, from which capacity, and its direction."""

    since: float = -math.inf
    start: int = 0
    direction: int = 0


def change(policy: Policy, capacity: int, distance: float) -> int:
    """The change that the policy requests at that capacity; `distance` is metric minus threshold."""
    step = next((step for step in policy.steps if step.holds(distance)), None)
    if step is None:
        return 0
    if policy.adjustment_type == EXACT:
        return step.adjustment - capacity
    if policy.adjustment_type == CHANGE:
        return step.adjustment
    return _percent(capacity * step.adjustment / 100, policy.minimum_change)


def group_capacity(policy: Policy, desired: int, warming: int, distance: float, bounds: Bounds) -> int:
    """The new desired capacity of an Auto Scaling group.

    `warming` instances do not count as capacity yet, so that one alarm requests the same machines only once; while
    there are any, nothing is scaled in.
    """
    settled = max(0, desired - warming)
    wanted = change(policy, settled, distance)
    if wanted < 0:
        return desired if warming else bounds.hold(min(desired, desired + wanted))
    return bounds.hold(max(desired, settled + wanted)) if wanted else desired


def service_capacity(
    policy: Policy, running: int, desired: int, distance: float, bounds: Bounds, cooling: Cooldown | None
) -> int:
    """The new desired count of a service, based on its running tasks (not the desired ones).

    While an earlier scale-out cools down (`cooling`), only what exceeds it is added; a scale-in waits for the end of
    any cooldown.
    """
    wanted = change(policy, running, distance)
    if wanted > 0:
        base = min(running, cooling.start) if cooling and cooling.direction > 0 else running
        again = change(policy, base, distance)
        return bounds.hold(max(desired, base + again))
    if wanted < 0 and cooling is None:
        return bounds.hold(min(desired, running + wanted))
    return desired


def cooled(cooldown: Cooldown, before: int, after: int, running: int, now: float) -> Cooldown:
    """The record of a change from `before` to `after`; unchanged if nothing changed."""
    if after == before:
        return cooldown
    return replace(cooldown, since=now, start=running, direction=1 if after > before else -1)


def _percent(amount: float, minimum: int) -> int:
    """Between -1 and 1 rounds away from zero, everything else towards it."""
    if amount == 0:
        return 0
    sign = 1 if amount > 0 else -1
    return sign * max(1, minimum, math.floor(abs(amount)))
