"""The alarm of the demand, for one more run on a cluster where another one goes on."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hfecs.runs.alarm_reset import AlarmReset
from support import WatchedCloud

from .conftest import PutAlarm


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
