"""A command that is killed at any of its changing calls leaves nothing that the next command cannot deal with.

The full sweep takes minutes and runs in scripts/reliability; scripts/test has a few points.
"""

from __future__ import annotations

import pytest

from hostile.facts import Facts
from hostile.sweep import ANSWERED, STORIES, UNANSWERED, Point, Sweep

SHARES = 4
SAMPLE = [
    ("cluster up", "RunInstances", ANSWERED),
    ("run", "RunTask", UNANSWERED),
    ("destroy of a cluster", "TerminateInstances", UNANSWERED),
]


def wrong(sweep: Sweep, points: list[Point], facts: Facts) -> list[str]:
    """What did not end well, of all points."""
    found = []
    for point in points:
        outcome = sweep.outcome(point)
        facts.note("kill", **vars(point), outcome=outcome)
        found += [f"{point}, {branch}: {why}" for branch, why in outcome.items() if why]
    return found


@pytest.mark.parametrize(("command", "operation", "moment"), SAMPLE)
def test_what_a_killed_command_left_is_removed_or_made_whole(
    sweep: Sweep, facts: Facts, command: str, operation: str, moment: str
) -> None:
    points = [point for point in sweep.points(command, moment) if point.operation == operation]

    assert points
    assert wrong(sweep, points[:1], facts) == []


@pytest.mark.reliability
@pytest.mark.parametrize("share", range(SHARES))
@pytest.mark.parametrize("moment", [UNANSWERED, ANSWERED])
@pytest.mark.parametrize("command", STORIES)
def test_a_command_may_be_killed_at_each_of_its_changing_calls(
    sweep: Sweep, facts: Facts, command: str, moment: str, share: int
) -> None:
    points = sweep.points(command, moment)

    assert wrong(sweep, points[share::SHARES], facts) == []
