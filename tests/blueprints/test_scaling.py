from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfecs.blueprints import scaling
from hfecs.config import Scaling

sizes = st.integers(0, 1000)
shares = st.integers(1, 100_000)
metrics = st.sampled_from(["lookahead", "backlog", "queue"])
exact = st.sampled_from(["lookahead", "backlog"])


def of(most: int, share: int = 2, least: int = 0, metric: str = "queue", threshold: int = 1) -> Scaling:
    settings = {"asg_min": least, "asg_desired": least, "asg_max": most, "jobs_per_worker": share}
    return Scaling.model_validate(settings | {"metric": metric, "threshold_high": threshold})


def steps_of(config: Scaling) -> list[dict[str, float]]:
    return list(scaling.machines_more(config)["StepAdjustments"])


def bounds(step: dict[str, float]) -> tuple[float, float]:
    return step.get("MetricIntervalLowerBound", float("-inf")), step.get("MetricIntervalUpperBound", float("inf"))


def added(config: Scaling, waiting: int) -> int:
    """How many machines the steps add when so many jobs wait: intervals count from the alarm's threshold."""
    above = waiting - scaling.alarm_more(config, "c", [])["Threshold"]
    (adjustment,) = [
        step["ScalingAdjustment"] for step in steps_of(config) if bounds(step)[0] <= above < bounds(step)[1]
    ]
    return int(adjustment)


@given(most=sizes, share=shares, metric=metrics, threshold=shares)
def test_steps_are_contiguous_from_zero_to_infinity(most: int, share: int, metric: str, threshold: int) -> None:
    steps = [bounds(step) for step in steps_of(of(most, share, metric=metric, threshold=threshold))]

    assert steps[0][0] == 0
    assert steps[-1][1] == float("inf")
    assert all(ending[1] == beginning[0] for ending, beginning in pairwise(steps))
    assert all(low < high for low, high in steps)


@given(most=sizes, share=shares, metric=metrics)
def test_there_are_at_most_twenty_steps_and_the_last_one_fills_the_group(most: int, share: int, metric: str) -> None:
    steps = steps_of(of(most, share, metric=metric))

    assert 1 <= len(steps) <= 20
    assert steps[-1]["ScalingAdjustment"] == max(1, most)


@given(most=st.integers(1, 20), share=shares, waiting=st.integers(1, 1_000_000))
def test_a_small_group_gets_a_machine_for_each_share_of_the_waiting_jobs(most: int, share: int, waiting: int) -> None:
    assert added(of(most, share), waiting) == min(most, -(-waiting // share))


@given(most=st.integers(21, 1000), share=shares, waiting=st.integers(1, 1_000_000))
def test_a_large_group_grows_by_no_more_than_the_work_and_at_least_by_one(most: int, share: int, waiting: int) -> None:
    assert 1 <= added(of(most, share), waiting) <= min(most, -(-waiting // share))


@given(most=st.integers(1, 1000), share=shares, one=st.integers(1, 100_000), other=st.integers(1, 100_000))
def test_more_work_never_asks_for_fewer_machines(most: int, share: int, one: int, other: int) -> None:
    less, more = sorted((one, other))

    assert added(of(most, share), less) <= added(of(most, share), more)


@given(most=st.integers(1, 1000), share=shares, metric=exact, work=st.integers(1, 1_000_000))
def test_all_work_has_its_machines_in_one_step_and_a_third_more_at_most(
    most: int, share: int, metric: str, work: int
) -> None:
    config = of(most, share, metric=metric)

    wanted = added(config, work)

    needed = min(most, -(-work // share))
    assert needed <= wanted <= min(most, max(needed, needed * 1.5))
    assert wanted == needed or most > 20
    assert scaling.machines_more(config)["AdjustmentType"] == "ExactCapacity"


@given(share=st.integers(1, 50), threshold=st.integers(1, 2000), beyond=st.integers(0, 2000))
def test_exact_steps_count_from_zero_whatever_the_threshold(share: int, threshold: int, beyond: int) -> None:
    work = threshold + beyond

    assert added(of(20, share, metric="backlog", threshold=threshold), work) == min(20, -(-work // share))


def test_a_step_is_for_as_many_job_slots_as_a_machine_has_unless_configured() -> None:
    unset, configured = Scaling(asg_max=5), Scaling(asg_max=5, jobs_per_worker=3)

    assert added(scaling.sized(unset, 8), 9) == 2
    assert added(scaling.sized(configured, 8), 9) == 3


@given(most=sizes, share=shares, metric=metrics)
def test_machines_and_workers_grow_by_the_same_steps(most: int, share: int, metric: str) -> None:
    config = of(most, share, metric=metric)

    assert scaling.machines_more(config)["StepAdjustments"] == scaling.workers_more(config)["StepAdjustments"]


@given(least=sizes)
def test_without_work_both_go_down_to_the_minimum(least: int) -> None:
    config = of(1000, least=least)

    for policy in (scaling.machines_fewer(config), scaling.workers_fewer(config)):
        assert policy["AdjustmentType"] == "ExactCapacity"
        assert [step["ScalingAdjustment"] for step in policy["StepAdjustments"]] == [least]


def test_one_waiting_job_sets_off_growth_and_a_silent_notifier_neither() -> None:
    more, fewer = scaling.alarm_more(Scaling(), "c", ["a"]), scaling.alarm_fewer(Scaling(), "c", ["b"])

    assert (more["Threshold"], more["ComparisonOperator"]) == (1, "GreaterThanOrEqualToThreshold")
    assert (fewer["Threshold"], fewer["ComparisonOperator"]) == (0, "LessThanOrEqualToThreshold")
    assert (more["TreatMissingData"], fewer["TreatMissingData"]) == ("notBreaching", "ignore")


@pytest.mark.parametrize(
    ("metric", "work", "rest", "statistic"),
    [
        ("lookahead", "Demand", "Demand", "Sum"),
        ("backlog", "Backlog", "Backlog", "Average"),
        ("queue", "QueueLength", "Backlog", "Average"),
    ],
)
def test_the_alarms_look_at_the_metric_and_a_job_that_runs_keeps_the_machines(
    metric: str, work: str, rest: str, statistic: str
) -> None:
    config = of(5, metric=metric)

    more, fewer = scaling.alarm_more(config, "c", []), scaling.alarm_fewer(config, "c", [])

    assert (more["MetricName"], fewer["MetricName"]) == (work, rest)
    assert more["Statistic"] == fewer["Statistic"] == statistic
    assert scaling.demand_period(config) == (10 if metric == "lookahead" else 0)


def test_alarms_look_at_the_cluster_of_their_own() -> None:
    assert scaling.alarm_more(Scaling(), "mine", [])["Dimensions"] == [{"Name": "ClusterName", "Value": "mine"}]


@given(most=st.integers(1, 1000), share=shares, adjustment=st.integers(1, 1000), waiting=st.integers(1, 1_000_000))
def test_a_step_adds_as_many_as_it_is_told_to_but_never_more_than_fit(
    most: int, share: int, adjustment: int, waiting: int
) -> None:
    config = of(most, share).model_copy(update={"instance_adjustment": adjustment, "worker_adjustment": adjustment})

    adds = added(config, waiting)

    assert adds == most or adds % adjustment == 0
    assert min(adjustment, most) <= adds <= min(most, adjustment * -(-waiting // share))
    assert len(steps_of(config)) <= 20
    assert steps_of(config) == scaling.workers_more(config)["StepAdjustments"]


def test_workers_with_bounds_of_their_own_scale_within_these() -> None:
    config = Scaling(worker_min=1, worker_max=40, asg_max=3)

    assert scaling.workers_more(config)["StepAdjustments"][-1]["ScalingAdjustment"] == 40
    assert scaling.workers_fewer(config)["StepAdjustments"][0]["ScalingAdjustment"] == 1
    assert scaling.machines_more(config)["StepAdjustments"][-1]["ScalingAdjustment"] == 3


def test_thresholds_are_those_of_the_configuration() -> None:
    config = Scaling(threshold_high=700, threshold_low=3)

    assert scaling.alarm_more(config, "c", [])["Threshold"] == 700
    assert scaling.alarm_fewer(config, "c", [])["Threshold"] == 3
