from __future__ import annotations

import pytest

from hfecs.local.scaling.step_policies import (
    CHANGE,
    EXACT,
    PERCENT,
    Bounds,
    Cooldown,
    Policy,
    Step,
    change,
    cooled,
    group_capacity,
    service_capacity,
)

WIDE = Bounds(0, 100)
OUT = Policy(CHANGE, (Step(0, 10, 1), Step(10, None, 5)))
IN = Policy(CHANGE, (Step(None, -10, -5), Step(-10, 0, -1)))


@pytest.mark.parametrize(("distance", "expected"), [(0, 1), (9.9, 1), (10, 5), (500, 5), (-1, 0)])
def test_a_breach_upwards_takes_the_step_that_holds_it(distance: float, expected: int) -> None:
    assert change(OUT, 3, distance) == expected


@pytest.mark.parametrize(("distance", "expected"), [(0, -1), (-0.1, -1), (-9.9, -1), (-10, -5), (-500, -5), (1, 0)])
def test_a_breach_downwards_takes_the_step_that_holds_it(distance: float, expected: int) -> None:
    assert change(IN, 30, distance) == expected


def test_exact_capacity_is_reached_from_either_side() -> None:
    policy = Policy(EXACT, (Step(0, None, 4),))

    assert [change(policy, capacity, 1) for capacity in (1, 4, 9)] == [3, 0, -5]


@pytest.mark.parametrize(("capacity", "percent", "expected"), [(10, 25, 2), (10, 5, 1), (10, -5, -1), (10, -67, -6)])
def test_a_percentage_rounds_away_from_nothing_and_else_towards_it(capacity: int, percent: int, expected: int) -> None:
    assert change(Policy(PERCENT, (Step(0, None, percent),)), capacity, 1) == expected


def test_a_percentage_changes_at_least_by_the_minimum_magnitude() -> None:
    assert change(Policy(PERCENT, (Step(0, None, 10),), minimum_change=3), 10, 1) == 3


def test_a_group_does_not_ask_twice_for_instances_that_warm_up() -> None:
    first = group_capacity(OUT, desired=1, warming=0, distance=20, bounds=WIDE)
    second = group_capacity(OUT, desired=first, warming=5, distance=20, bounds=WIDE)
    third = group_capacity(OUT, desired=second, warming=0, distance=20, bounds=WIDE)

    assert [first, second, third] == [6, 6, 11]


def test_a_group_does_not_scale_in_while_instances_warm_up() -> None:
    assert group_capacity(IN, desired=6, warming=1, distance=-2, bounds=WIDE) == 6
    assert group_capacity(IN, desired=6, warming=0, distance=-2, bounds=WIDE) == 5


def test_capacities_stay_within_their_bounds() -> None:
    bounds = Bounds(1, 4)

    assert group_capacity(OUT, desired=3, warming=0, distance=20, bounds=bounds) == 4
    assert service_capacity(IN, 2, 2, distance=-50, bounds=bounds, cooling=None) == 1


def test_a_service_counts_from_its_running_tasks() -> None:
    assert service_capacity(OUT, running=1, desired=6, distance=20, bounds=WIDE, cooling=None) == 6
    assert service_capacity(OUT, running=6, desired=6, distance=20, bounds=WIDE, cooling=None) == 11


def test_while_a_scale_out_cools_down_only_what_goes_beyond_it_is_added() -> None:
    cooling = cooled(Cooldown(), before=2, after=3, running=2, now=100.0)

    assert service_capacity(OUT, running=3, desired=3, distance=5, bounds=WIDE, cooling=cooling) == 3
    assert service_capacity(OUT, running=3, desired=3, distance=20, bounds=WIDE, cooling=cooling) == 7


def test_a_service_scales_in_only_after_any_cooldown() -> None:
    cooling = cooled(Cooldown(), before=5, after=4, running=5, now=100.0)

    assert service_capacity(IN, running=4, desired=4, distance=-2, bounds=WIDE, cooling=cooling) == 4
    assert service_capacity(IN, running=4, desired=4, distance=-2, bounds=WIDE, cooling=None) == 3


def test_a_change_of_nothing_starts_no_cooldown() -> None:
    assert cooled(Cooldown(), before=3, after=3, running=3, now=100.0) == Cooldown()
