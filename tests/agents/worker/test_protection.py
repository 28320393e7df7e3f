"""An executor with jobs is kept from being scaled in."""

from __future__ import annotations

import logging

import pytest

from hfecs.agents.worker.protection import Protection

# What docs/scaling.md says.
IDLE_SECONDS = 5.0
PATIENCE_SECONDS = 3.0
RENEWED_SECONDS = 20 * 60.0


class FakeGuard:
    """Notes what it is asked, and refuses while it has a reason."""

    name = "Somebody"

    def __init__(self, *reasons: str) -> None:
        self.asked: list[bool] = []
        self.reasons = list(reasons)

    def protect(self, enabled: bool) -> str:
        self.asked.append(enabled)
        return self.reasons.pop(0) if self.reasons else ""


class Time:
    """A clock that pauses set forward."""

    def __init__(self) -> None:
        self.now = 100.0

    def clock(self) -> float:
        return self.now

    def pause(self, seconds: float) -> None:
        self.now += seconds


def protection(time: Time, *apis: FakeGuard) -> Protection:
    return Protection(apis, time.clock, time.pause)


def test_a_job_begins_under_protection_and_a_row_of_jobs_asks_once() -> None:
    time, api = Time(), FakeGuard()
    protected = protection(time, api)

    for _ in range(3):
        with protected.held():
            assert api.asked == [True]
        protected.look()

    assert api.asked == [True]


def test_an_executor_that_was_idle_for_a_while_lets_go_once() -> None:
    time, api = Time(), FakeGuard()
    protected = protection(time, api)
    with protected.held():
        time.now += 1000

    time.now += IDLE_SECONDS - 0.1
    protected.look()
    assert api.asked == [True]
    time.now += 0.1
    protected.look()
    time.now += 1000
    protected.look()

    assert api.asked == [True, False]


def test_the_next_job_asks_again() -> None:
    time, api = Time(), FakeGuard()
    protected = protection(time, api)
    with protected.held():
        time.now += 1
    time.now += IDLE_SECONDS
    protected.look()

    with protected.held():
        assert api.asked == [True, False, True]


def test_a_machine_that_was_launched_protected_and_gets_no_job_is_let_go() -> None:
    time, api = Time(), FakeGuard()
    protected = protection(time, api)

    time.now += IDLE_SECONDS
    protected.look()

    assert api.asked == [False]


def test_a_long_job_renews_the_protection_before_it_expires() -> None:
    time, api = Time(), FakeGuard()
    protected = protection(time, api)

    with protected.held():
        time.now += RENEWED_SECONDS - 1
        protected.look()
        assert api.asked == [True]
        time.now += 1
        protected.look()
        assert api.asked == [True, True]


def test_a_task_too_many_waits_a_little_before_its_job_begins() -> None:
    time, api = Time(), FakeGuard("DEPLOYMENT_BLOCKED", "DEPLOYMENT_BLOCKED")
    protected = protection(time, api)

    with protected.held():
        assert api.asked == [True, True, True]

    assert time.now == 102.0


def test_a_job_begins_without_protection_when_it_stays_refused_and_it_is_asked_for_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    time, api = Time(), FakeGuard(*["DEPLOYMENT_BLOCKED"] * 4)
    protected = protection(time, api)

    with protected.held():
        assert time.now == 100.0 + PATIENCE_SECONDS
        with protected.held():
            assert len(api.asked) == 4
        time.now += 10
        protected.look()

    assert len(api.asked) == 5
    assert [record.getMessage() for record in caplog.records] == [
        "Somebody does not protect this executor from scale-in: DEPLOYMENT_BLOCKED"
    ]


def test_a_refusal_for_another_reason_holds_no_job_up() -> None:
    time, api = Time(), FakeGuard("HTTP 403: no task role")
    protected = protection(time, api)

    with protected.held():
        assert time.now == 100.0


def test_who_does_not_let_go_is_asked_again(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    time, willing, refusing = Time(), FakeGuard(), FakeGuard("throttled")
    protected = protection(time, willing, refusing)

    time.now += IDLE_SECONDS
    protected.look()
    time.now += 10
    protected.look()

    assert (willing.asked, refusing.asked) == ([False], [False, False])
    assert caplog.messages[-1] == "Somebody agrees again"


def test_without_guards_nothing_is_asked() -> None:
    time = Time()
    protected = protection(time)

    with protected.held():
        time.now += 1000
        protected.look()

    assert time.now == 1100.0


def test_an_api_that_always_refuses_neither_stops_a_job_nor_costs_calls_to_the_other() -> None:
    time = Time()
    refusing, machine = FakeGuard(*["TASK_NOT_VALID"] * 1000), FakeGuard()
    protected = protection(time, refusing, machine)

    with protected.held():
        assert time.now == 100.0
        for _ in range(60):
            time.now += 10
            protected.look()
        assert machine.asked == [True]
        time.now += RENEWED_SECONDS
        protected.look()
        assert machine.asked == [True, True]
    for _ in range(60):
        time.now += 10
        protected.look()

    assert machine.asked == [True, True, False]
    assert refusing.asked.count(True) == 62
