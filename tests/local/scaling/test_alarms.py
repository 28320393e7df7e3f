from __future__ import annotations

import pytest

from hfecs.local.scaling.alarms import (
    ALARM,
    INSUFFICIENT_DATA,
    OK,
    Rule,
    datapoints,
    evaluate,
    evaluation_cadence,
    fault_of,
)

# Breaching, not breaching and missing, as the CloudWatch guide writes them.
X: float | None = 9.0
O: float | None = 1.0  # noqa: E741
_: float | None = None


def rule(periods: int = 3, needed: int = 3, missing: str = "missing") -> Rule:
    return Rule("GreaterThanThreshold", threshold=5, period=10, periods=periods, needed=needed, missing=missing)


# The two tables of the CloudWatch user guide on missing data: three of three, and two of three datapoints.
GUIDE = [
    (3, [O, _, X, _, X], {"missing": OK, "ignore": OK, "breaching": OK, "notBreaching": OK}),
    (3, [_, _, _, _, O], {"missing": OK, "ignore": OK, "breaching": OK, "notBreaching": OK}),
    (3, [_, _, _, _, _], {"missing": INSUFFICIENT_DATA, "ignore": "KEPT", "breaching": ALARM, "notBreaching": OK}),
    (3, [O, X, X, _, X], {"missing": ALARM, "ignore": ALARM, "breaching": ALARM, "notBreaching": ALARM}),
    (3, [_, _, X, _, _], {"missing": ALARM, "ignore": "KEPT", "breaching": ALARM, "notBreaching": OK}),
    (2, [O, _, X, _, X], {"missing": ALARM, "ignore": ALARM, "breaching": ALARM, "notBreaching": ALARM}),
    (2, [O, O, X, O, X], {"missing": ALARM, "ignore": ALARM, "breaching": ALARM, "notBreaching": ALARM}),
    (2, [O, _, X, _, _], {"missing": OK, "ignore": OK, "breaching": ALARM, "notBreaching": OK}),
    (2, [_, _, _, _, O], {"missing": OK, "ignore": OK, "breaching": ALARM, "notBreaching": OK}),
    (2, [_, _, _, X, _], {"missing": ALARM, "ignore": "KEPT", "breaching": ALARM, "notBreaching": OK}),
]


@pytest.mark.parametrize(("needed", "points", "states"), GUIDE)
def test_missing_data_is_treated_as_the_guide_says(
    needed: int, points: list[float | None], states: dict[str, str]
) -> None:
    for missing, state in states.items():
        verdict = evaluate(rule(needed=needed, missing=missing), points, "KEPT")

        assert verdict.state == state, missing


def test_a_verdict_tells_the_newest_datapoint_and_why() -> None:
    verdict = evaluate(rule(periods=1, needed=1), [O, X, _], OK)

    assert verdict.value == X
    assert verdict.reason == "1 of the last 1 datapoints [9]: GreaterThanThreshold (5)."


def test_datapoints_are_the_statistic_of_each_period() -> None:
    samples = [(69.0, 2.0), (69.9, 4.0), (80.0, 7.0), (90.0, 100.0)]

    assert datapoints(samples, rule(periods=1), end=90.0) == [3.0, None, 7.0]


@pytest.mark.parametrize(
    ("comparison", "breaching"),
    [
        ("GreaterThanThreshold", [False, True]),
        ("GreaterThanOrEqualToThreshold", [True, True]),
        ("LessThanThreshold", [False, False]),
        ("LessThanOrEqualToThreshold", [True, False]),
    ],
)
def test_a_value_at_the_threshold_breaches_only_where_equal_counts(comparison: str, breaching: list[bool]) -> None:
    watched = Rule(comparison, threshold=5, period=10, periods=1, needed=1)

    assert [watched.breaches(5), watched.breaches(6)] == breaching


def test_short_periods_are_evaluated_every_tick_and_long_ones_every_minute() -> None:
    assert [evaluation_cadence(period, tick=10) for period in (10, 30, 60, 300)] == [10, 10, 60, 60]


@pytest.mark.parametrize(("period", "periods"), [(5, 1), (45, 1), (90, 1), (0, 1), (60, 1441)])
def test_periods_that_cloudwatch_does_not_take_are_faults(period: int, periods: int) -> None:
    assert fault_of(period, periods)


@pytest.mark.parametrize(("period", "periods"), [(10, 1), (30, 5), (60, 1440), (3600, 48)])
def test_periods_that_cloudwatch_takes_are_none(period: int, periods: int) -> None:
    assert not fault_of(period, periods)
