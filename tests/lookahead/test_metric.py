"""The demand on its way to CloudWatch."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import Any

from hfecs.lookahead.metric import DemandMetric, Periods


class Clock:
    """A clock that stands still until it is set."""

    def __init__(self) -> None:
        self.time = 1_000_003.0

    def __call__(self) -> float:
        return self.time


class Calls(list[dict[str, Any]]):
    """CloudWatch, which notes what it is told."""

    def put_metric_data(self, **call: Any) -> None:
        self.append(call)


def metric(clock: Clock) -> tuple[DemandMetric, Calls]:
    calls: Any = Calls()
    return DemandMetric(calls, "hyperflow", "stars", Periods(10, clock)), calls


def test_a_value_carries_the_beginning_of_its_period_at_high_resolution() -> None:
    demand, calls = metric(Clock())

    demand.put(12)

    (call,) = calls
    assert call["Namespace"] == "hyperflow"
    (datum,) = call["MetricData"]
    assert (datum["MetricName"], datum["Value"], datum["StorageResolution"]) == ("Demand", 12, 1)
    assert datum["Timestamp"] == datetime.fromtimestamp(1_000_000, UTC)
    assert datum["Dimensions"] == [{"Name": "ClusterName", "Value": "stars"}]


def test_a_period_gets_one_value_however_often_it_is_told() -> None:
    clock = Clock()
    demand, calls = metric(clock)

    for time in (1_000_003.0, 1_000_009.9, 1_000_010.0, 1_000_031.0):
        clock.time = time
        demand.put(1)

    assert [call["MetricData"][0]["Timestamp"].timestamp() for call in calls] == [1_000_000, 1_000_010, 1_000_030]


def test_the_next_period_begins_at_a_multiple_of_its_length() -> None:
    assert Periods(10, Clock()).until_next() == 7.0


def test_two_runs_of_a_cluster_add_up_and_the_end_of_one_takes_its_own_away() -> None:
    clock, calls = Clock(), Calls()
    cloudwatch: Any = calls
    notifier, small, large = (DemandMetric(cloudwatch, "hyperflow", "stars", Periods(10, clock)) for _ in range(3))

    for publishers in ((notifier, small), (notifier, small, large), (notifier, large), (notifier,)):
        for publisher, slots in ((notifier, 0), (small, 2), (large, 6)):
            if publisher in publishers:
                publisher.put(slots)
        clock.time += 10

    assert _sums(calls) == [2, 8, 6, 0]


def _sums(calls: Calls) -> list[float]:
    """What the alarms look at: the sum of each period."""
    sums: Counter[datetime] = Counter()
    for call in calls:
        (datum,) = call["MetricData"]
        sums[datum["Timestamp"]] += datum["Value"]
    return [sums[period] for period in sorted(sums)]


def test_a_value_is_of_the_period_in_which_it_is_told_however_late_it_arrives() -> None:
    clock = Clock()
    demand, _ = metric(clock)

    period = demand.put(12)

    assert Periods(10, clock).until_over(period) == 7.0
    clock.time += 8
    assert Periods(10, clock).until_over(period) == 0.0
