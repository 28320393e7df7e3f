"""The demand of a run while its own machine boots.

The alarm of the demand, for one more run on a cluster where another one goes on.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest

from hfecs.blueprints.lookahead import Ahead
from hfecs.blueprints.run import Run
from hfecs.lookahead import handover
from hfecs.runs.first_demand import AlarmReset, FirstDemand, announcing
from hfecs.workflow import Workflow, from_document
from support import WatchedCloud

from .conftest import PutAlarm

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


RUN = Run("one", "files-1")


class Waiting(WatchedCloud):
    """A cloud that says when the demand was told."""

    def __init__(self) -> None:
        super().__init__()
        self.told = threading.Event()
        self.looked = threading.Semaphore(0)

    def client(self, service: str) -> Any:
        client = super().client(service)
        client.meta.events.register("after-call.cloudwatch", lambda **_: self.told.set(), unique_id="told")
        client.meta.events.register("after-call.s3.GetObject", lambda **_: self.looked.release(), unique_id="looked")
        return client

    def demands(self) -> list[float]:
        return [call["MetricData"][0]["Value"] for call in self.calls_of("PutMetricData")]

    def periods(self) -> list[int]:
        """The periods that the demand was told of."""
        told = [call["MetricData"][0]["Timestamp"].timestamp() for call in self.calls_of("PutMetricData")]
        return [int(when // AHEAD.period) for when in told]


class Clock:
    """A clock that a test sets, to just before the end of a period: who waits for the next one waits for 10 ms."""

    def __init__(self, period: int) -> None:
        self.period = period

    def __call__(self) -> float:
        return (self.period + 1) * AHEAD.period - 0.01


@pytest.fixture
def waiting(cloud: WatchedCloud) -> Waiting:
    made = Waiting()
    made.s3.create_bucket(Bucket=RUN.bucket)
    return made


def test_the_demand_is_told_at_once_by_the_times_of_earlier_runs(waiting: Waiting) -> None:
    times = json.dumps({"long": {"jobs": 10, "seconds": 36_000.0}})
    waiting.s3.put_object(Bucket=RUN.bucket, Key="times/wide.json", Body=times)

    with announcing(waiting, side_by_side(12), RUN, print) as announce:
        told = announce(AHEAD)
        assert waiting.told.wait(30)

    assert waiting.demands()[0] == 12
    assert told()["ORDERED"] == "6"
    assert float(told()["BEGAN"]) > 1_700_000_000


def test_without_earlier_runs_the_graph_decides(cloud: WatchedCloud) -> None:
    waiting = Waiting()

    with announcing(waiting, side_by_side(3), Run("one", "none-yet-1"), print) as announce:
        announce(AHEAD)
        assert waiting.told.wait(30)

    assert 1 <= waiting.demands()[0] <= 3


def test_who_may_not_tell_the_demand_is_told_so_and_the_run_goes_on(cloud: WatchedCloud) -> None:
    said: list[str] = []
    cloud.refuse("PutMetricData", "AccessDenied", "not authorized to perform: cloudwatch:PutMetricData")

    with announcing(cloud, side_by_side(3), RUN, said.append) as announce:
        environment = announce(AHEAD)()

    assert "BEGAN" in environment
    assert len(said) == 1
    assert said[0].startswith("  the demand could not be reported, so machines start once the engine runs: ")


def tell_through(waiting: Waiting, clock: Clock, periods: range) -> None:
    """Let these periods pass, each until it has been looked twice whether the engine tells it."""
    for clock.period in periods:
        while waiting.looked.acquire(blocking=False):
            pass
        for _ in range(2):
            assert waiting.looked.acquire(timeout=30)


def test_it_is_told_in_each_period_until_the_first_one_of_the_engine_and_never_twice(waiting: Waiting) -> None:
    clock = Clock(100)

    with announcing(waiting, side_by_side(3), RUN, print, clock=clock) as announce:
        announce(AHEAD)
        assert waiting.told.wait(30)
        tell_through(waiting, clock, range(101, 103))
        waiting.s3.put_object(Bucket=RUN.bucket, Key="runs/one/demand.json", Body=handover.written(104))
        tell_through(waiting, clock, range(103, 104))
        clock.period = 104
        ended = next(thread for thread in threading.enumerate() if thread.name == "first demand")
        ended.join(30)

    assert waiting.periods() == [100, 101, 102, 103]
    assert not ended.is_alive()


def test_an_engine_that_never_tells_is_not_waited_for_without_end(waiting: Waiting) -> None:
    clock = Clock(100)

    with announcing(waiting, side_by_side(3), RUN, print, clock=clock) as announce:
        announce(AHEAD)
        assert waiting.told.wait(30)
        clock.period = 281
        ended = next(thread for thread in threading.enumerate() if thread.name == "first demand")
        ended.join(30)

    assert waiting.periods() == [100]


@pytest.mark.parametrize(
    ("engine", "period", "over"),
    [
        (None, 279, False),
        (None, 280, True),
        ("150", 149, False),
        ("150", 150, True),
        ("no period", 279, False),
        ("1000000", 279, False),
        ("1000000", 280, True),
    ],
)
def test_it_ends_with_the_first_period_of_the_engine_and_after_half_an_hour_at_the_latest(
    waiting: Waiting, engine: str | None, period: int, over: bool
) -> None:
    clock = Clock(100)
    first = FirstDemand(waiting, side_by_side(3), RUN, AHEAD, clock)
    if engine:
        waiting.s3.put_object(Bucket=RUN.bucket, Key="runs/one/demand.json", Body=f'{{"first_period": {engine}}}')

    clock.period = period

    assert first.handed_over() is over


def test_it_ends_with_the_command_that_tells_it(waiting: Waiting) -> None:
    with announcing(waiting, side_by_side(3), RUN, print, clock=Clock(100)) as announce:
        announce(AHEAD)
        assert waiting.told.wait(30)
        teller = next(thread for thread in threading.enumerate() if thread.name == "first demand")

    assert not teller.is_alive()


def test_another_run_of_the_bucket_hands_nothing_over(waiting: Waiting) -> None:
    clock = Clock(100)
    waiting.s3.put_object(Bucket=RUN.bucket, Key="runs/another/demand.json", Body=handover.written(90))

    with announcing(waiting, side_by_side(3), RUN, print, clock=clock) as announce:
        announce(AHEAD)
        assert waiting.told.wait(30)
        tell_through(waiting, clock, range(101, 102))

    assert waiting.periods() == [100, 101]


def test_the_alarm_waits_for_a_demand_that_is_told_late(cloud: WatchedCloud) -> None:
    later: list[float] = []
    go_on, called = threading.Event(), threading.Event()

    def do_later(seconds: float, _: Callable[[], None]) -> None:
        later.append(seconds)
        called.set()

    def slow(**_: Any) -> None:
        go_on.wait(30)

    cloud.s3.meta.events.register("before-call.s3", slow)

    with announcing(cloud, side_by_side(3), RUN, print, do_later) as announce:
        announce(AHEAD)
        early = list(later)
        go_on.set()
        assert called.wait(30)

    assert early == []
    assert 3 <= later[0] <= 13


def test_the_alarm_is_left_alone_if_the_demand_could_not_be_told(cloud: WatchedCloud) -> None:
    cloud.refuse("PutMetricData", "AccessDenied", "not authorized to perform: cloudwatch:PutMetricData")
    later: list[float] = []

    with announcing(cloud, side_by_side(3), RUN, print, lambda seconds, _: later.append(seconds)) as announce:
        announce(AHEAD)

    assert later == []


def test_the_alarm_is_left_alone_if_the_run_does_not_come_about(cloud: WatchedCloud, demand_alarm: PutAlarm) -> None:
    demand_alarm("ALARM")
    later: list[Callable[[], None]] = []
    called = threading.Event()

    def do_later(_: float, call: Callable[[], None]) -> None:
        later.append(call)
        called.set()

    with (
        pytest.raises(KeyboardInterrupt),
        announcing(cloud, side_by_side(3), RUN, print, do_later) as announce,
    ):
        announce(AHEAD)
        assert called.wait(30)
        raise KeyboardInterrupt
    for call in later:
        call()

    assert cloud.calls_of("SetAlarmState") == []


class Later:
    """Keeps what is to be done later."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self._calls: list[Callable[[], None]] = []

    def __call__(self, seconds: float, call: Callable[[], None]) -> None:
        self.seconds.append(seconds)
        self._calls.append(call)

    def come(self) -> None:
        for call in self._calls:
            call()


@pytest.fixture
def later() -> Later:
    return Later()


def test_an_alarm_that_lasts_begins_anew_when_cloudwatch_knows_of_this_run(
    cloud: WatchedCloud, later: Later, demand_alarm: PutAlarm
) -> None:
    demand_alarm("ALARM")

    AlarmReset(cloud, "jobs-wait", print, later).told(4.0)
    before = cloud.calls_of("SetAlarmState")
    later.come()

    assert later.seconds == [7.0]
    assert before == []
    assert [call["StateValue"] for call in cloud.calls_of("SetAlarmState")] == ["OK"]


def test_an_alarm_that_this_run_has_set_off_is_left_alone(
    cloud: WatchedCloud, later: Later, demand_alarm: PutAlarm
) -> None:
    AlarmReset(cloud, "jobs-wait", print, later).told(4.0)
    demand_alarm("ALARM")
    later.come()

    assert cloud.calls_of("SetAlarmState") == []


def test_an_alarm_that_is_silent_is_left_alone(cloud: WatchedCloud, later: Later, demand_alarm: PutAlarm) -> None:
    demand_alarm("OK")

    AlarmReset(cloud, "jobs-wait", print, later).told(4.0)
    later.come()

    assert cloud.calls_of("SetAlarmState") == []


def test_it_is_left_alone_for_a_run_that_has_ended(cloud: WatchedCloud, later: Later, demand_alarm: PutAlarm) -> None:
    demand_alarm("ALARM")
    alarm = AlarmReset(cloud, "jobs-wait", print, later)

    alarm.told(4.0)
    alarm.leave()
    later.come()

    assert cloud.calls_of("SetAlarmState") == []


def test_who_may_not_set_the_alarm_back_is_told_that_machines_come_later(
    cloud: WatchedCloud, later: Later, demand_alarm: PutAlarm
) -> None:
    demand_alarm("ALARM")
    said: list[str] = []
    cloud.refuse("SetAlarmState", "AccessDenied", "not authorized to perform: cloudwatch:SetAlarmState")

    AlarmReset(cloud, "jobs-wait", said.append, later).told(4.0)
    later.come()

    assert len(said) == 1
    assert said[0].startswith("  machines for this run start in a minute, not at once: ")
