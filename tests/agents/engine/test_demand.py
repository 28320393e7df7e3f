"""The engine side tells the demand of its run."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from botocore.exceptions import ClientError

from hfecs.agents.engine.demand import Ended, Report, RunProgress, Settings
from hfecs.errors import ConfigurationInvalid
from hfecs.lookahead.forecast import Graph, Machines
from hfecs.lookahead.graph import RunGraph
from hfecs.lookahead.job_times import Times
from hfecs.lookahead.metric import DemandMetric, Periods
from hfecs.lookahead.planner import Planner

ENVIRONMENT = {
    "CLUSTER_NAME": "stars",
    "DEMAND_PERIOD": "10",
    "SLOTS": "2",
    "MACHINES": "20",
    "BOOT_SECONDS": "150",
    "BEGAN": "1000000.5",
    "ORDERED": "3",
}


class FakeCloudWatch:
    """CloudWatch, which may refuse."""

    def __init__(self) -> None:
        self.values: list[float] = []
        self.refuses = False
        self.times: list[float] = []
        self.calls = threading.Semaphore(0)

    def put_metric_data(self, **call: Any) -> None:
        self.calls.release()
        if self.refuses:
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "PutMetricData")
        self.values.append(call["MetricData"][0]["Value"])
        self.times.append(call["MetricData"][0]["Timestamp"].timestamp())


class Run:
    """A run of four long jobs."""

    def __init__(self) -> None:
        self.cloudwatch = FakeCloudWatch()
        self.now = 0.0
        self.looked = threading.Semaphore(0)
        self.done: set[int] = set()
        graph = RunGraph(Graph(["long"] * 4, [[]] * 4), {number: number - 1 for number in range(1, 5)})
        outlook = Planner(graph.graph, Machines(2, 150.0, 20), Times({"long": (1, 3600.0)}))
        view = RunProgress("one", graph, outlook, lambda: self.now)
        periods = Periods(10, self._clock)
        client: Any = self.cloudwatch
        metric = DemandMetric(client, "hyperflow", "stars", periods)
        self.report = Report(view, lambda: Ended(self.done, ()), metric, periods)

    def _clock(self) -> float:
        self.looked.release()
        return self.now


def test_the_demand_of_a_run_follows_its_jobs() -> None:
    run = Run()

    for now, done in ((0.0, set[int]()), (10.0, {1, 2}), (20.0, {1, 2, 3, 4})):
        run.now, run.done = now, done
        run.report.tell()

    assert run.cloudwatch.values == [4, 2, 0]


def test_a_run_is_told_of_from_the_period_on_that_was_named_and_once_in_each() -> None:
    run = Run()

    run.now = 119.99
    run.report.start(12)
    for _ in range(10):
        assert run.looked.acquire(timeout=30)
    for run.now in (129.99, 139.99):
        assert run.cloudwatch.calls.acquire(timeout=30)
    run.report.end()

    assert run.cloudwatch.times == [120.0, 130.0]


def test_a_cloudwatch_that_refuses_is_told_of_once(caplog: pytest.LogCaptureFixture) -> None:
    run = Run()
    run.cloudwatch.refuses = True

    for run.now in (0.0, 10.0):
        run.report.tell()
    run.cloudwatch.refuses, run.now = False, 20.0
    run.report.tell()

    assert len(caplog.records) == 1
    assert run.cloudwatch.values == [4]


def test_the_settings_are_those_of_who_began_the_run() -> None:
    settings = Settings.from_environment(ENVIRONMENT)

    assert settings == Settings("stars", 10, Machines(2, 150.0, 20), 1_000_000.5, 3)


def test_nothing_is_told_where_no_alarm_looks_at_it() -> None:
    assert Settings.from_environment({}) is None


def test_a_period_without_a_cluster_is_refused() -> None:
    with pytest.raises(ConfigurationInvalid, match="CLUSTER_NAME is missing"):
        Settings.from_environment({"DEMAND_PERIOD": "10"})
