"""The demand of a run while its own machine boots."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from typing import Any, Literal

import pytest

from hfecs.blueprints.looking_ahead import Ahead
from hfecs.commands.first_demand import announcing
from hfecs.workflow import Workflow, from_document
from support import WatchedCloud

AHEAD = Ahead(cluster="stars", period=10, slots=2, most=20, boot_seconds=150, workers=0, alarm="jobs-wait")


def side_by_side(jobs: int) -> Workflow:
    processes = [
        {
            "name": "long",
            "function": "amqpCommand",
            "config": {"executor": {"executable": "long"}},
            "ins": [0],
            "outs": [number],
        }
        for number in range(1, jobs + 1)
    ]
    signals = [{"name": f"file{number}"} for number in range(jobs + 1)]
    return from_document({"name": "wide", "processes": processes, "signals": signals, "ins": [0], "outs": [1]})


class Waiting(WatchedCloud):
    """A cloud that says when the demand was told."""

    def __init__(self) -> None:
        super().__init__()
        self.told = threading.Event()

    def client(self, service: str) -> Any:
        client = super().client(service)
        client.meta.events.register("after-call.cloudwatch", lambda **_: self.told.set(), unique_id="told")
        return client

    def demands(self) -> list[float]:
        return [call["MetricData"][0]["Value"] for call in self.calls_of("PutMetricData")]


def test_the_demand_is_told_at_once_by_the_times_of_earlier_runs(cloud: WatchedCloud) -> None:
    waiting = Waiting()
    waiting.s3.create_bucket(Bucket="files-1")
    times = json.dumps({"long": {"jobs": 10, "seconds": 36_000.0}})
    waiting.s3.put_object(Bucket="files-1", Key="times/wide.json", Body=times)

    with announcing(waiting, side_by_side(12), "files-1", print)(AHEAD) as told:
        assert waiting.told.wait(30)

    assert waiting.demands()[0] == 12
    assert told()["ORDERED"] == "6"
    assert float(told()["BEGAN"]) > 1_700_000_000


def test_without_earlier_runs_the_graph_decides(cloud: WatchedCloud) -> None:
    waiting = Waiting()

    with announcing(waiting, side_by_side(3), "none-yet-1", print)(AHEAD):
        assert waiting.told.wait(30)

    assert 1 <= waiting.demands()[0] <= 3


def test_who_may_not_tell_the_demand_is_told_so_and_the_run_goes_on(cloud: WatchedCloud) -> None:
    said: list[str] = []
    cloud.refuse("PutMetricData", "AccessDenied", "not authorized to perform: cloudwatch:PutMetricData")

    with announcing(cloud, side_by_side(3), "none-yet-1", said.append)(AHEAD) as told:
        environment = told()

    assert "BEGAN" in environment
    assert len(said) == 1
    assert said[0].startswith("  the demand could not be told, machines come when the engine is there: ")


class Later:
    """Keeps what is to be done later, at what time."""

    def __init__(self) -> None:
        self.calls: list[tuple[float, Callable[[], None]]] = []
        self.called = threading.Event()

    def __call__(self, seconds: float, call: Callable[[], None]) -> None:
        self.calls.append((time.time() + seconds, call))
        self.called.set()

    def come(self) -> None:
        for _, call in self.calls:
            call()


def alarm_in(state: Literal["ALARM", "OK"], cloud: WatchedCloud) -> None:
    cloud.cloudwatch.put_metric_alarm(
        AlarmName="jobs-wait",
        Namespace="hyperflow",
        MetricName="Demand",
        Statistic="Sum",
        Period=10,
        EvaluationPeriods=1,
        Threshold=1.0,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
    )
    cloud.cloudwatch.set_alarm_state(AlarmName="jobs-wait", StateValue=state, StateReason="as it was")
    cloud.forget()


def test_an_alarm_that_lasts_since_another_run_begins_anew_when_it_knows_of_this_one(cloud: WatchedCloud) -> None:
    alarm_in("ALARM", cloud)
    later = Later()

    with announcing(cloud, side_by_side(3), "none-yet-1", print, later)(AHEAD):
        assert later.called.wait(30)
        before = cloud.calls_of("SetAlarmState")
    later.come()

    ((when, _),) = later.calls
    told = cloud.calls_of("PutMetricData")[0]["MetricData"][0]["Timestamp"].timestamp()
    assert 13 <= when - told < 23
    assert before == []
    assert [call["StateValue"] for call in cloud.calls_of("SetAlarmState")] == ["OK"]


def test_the_alarm_waits_for_a_demand_that_is_told_late(cloud: WatchedCloud) -> None:
    later, go_on = Later(), threading.Event()

    def slow(**_: Any) -> None:
        go_on.wait(30)

    cloud.s3.meta.events.register("before-call.s3", slow)

    with announcing(cloud, side_by_side(3), "none-yet-1", print, later)(AHEAD):
        early = list(later.calls)
        go_on.set()
        assert later.called.wait(30)

    assert early == []


def test_the_alarm_is_left_alone_if_the_demand_could_not_be_told(cloud: WatchedCloud) -> None:
    cloud.refuse("PutMetricData", "AccessDenied", "not authorized to perform: cloudwatch:PutMetricData")
    later = Later()

    with announcing(cloud, side_by_side(3), "none-yet-1", print, later)(AHEAD):
        pass

    assert later.calls == []


def test_the_alarm_is_left_alone_if_the_run_does_not_come_about(cloud: WatchedCloud) -> None:
    alarm_in("ALARM", cloud)
    later = Later()

    with (
        pytest.raises(KeyboardInterrupt),
        announcing(cloud, side_by_side(3), "none-yet-1", print, later)(AHEAD),
    ):
        assert later.called.wait(30)
        raise KeyboardInterrupt
    later.come()

    assert cloud.calls_of("SetAlarmState") == []


def test_an_alarm_that_this_run_has_set_off_is_left_alone(cloud: WatchedCloud) -> None:
    later = Later()

    with announcing(cloud, side_by_side(3), "none-yet-1", print, later)(AHEAD):
        assert later.called.wait(30)
        alarm_in("ALARM", cloud)
    later.come()

    assert cloud.calls_of("SetAlarmState") == []


def test_an_alarm_that_is_silent_is_left_alone(cloud: WatchedCloud) -> None:
    alarm_in("OK", cloud)
    later = Later()

    with announcing(cloud, side_by_side(3), "none-yet-1", print, later)(AHEAD):
        assert later.called.wait(30)
    later.come()

    assert cloud.calls_of("SetAlarmState") == []


def test_who_may_not_set_the_alarm_back_is_told_that_machines_come_later(cloud: WatchedCloud) -> None:
    alarm_in("ALARM", cloud)
    said: list[str] = []
    later = Later()
    cloud.refuse("SetAlarmState", "AccessDenied", "not authorized to perform: cloudwatch:SetAlarmState")

    with announcing(cloud, side_by_side(3), "none-yet-1", said.append, later)(AHEAD):
        assert later.called.wait(30)
    later.come()

    assert len(said) == 1
    assert said[0].startswith("  machines for this run come within a minute, not at once: ")
