from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from hfecs.provisioning.deadline import Deadline, moment

NOON = datetime(2026, 1, 31, 12, 0, 0, 999, tzinfo=UTC)


def in_force(hours: float) -> str:
    return str(Deadline.after(hours, NOON))


def test_a_deadline_is_written_in_utc_to_the_second() -> None:
    assert str(Deadline.after(1.5, NOON)) == "2026-01-31T13:30:00Z"


def test_no_hours_are_for_ever() -> None:
    assert str(Deadline.after(0, NOON)) == "never"


@pytest.mark.parametrize("hours", [12, 11.5, 12.5])
def test_about_the_same_time_may_stay(hours: float) -> None:
    assert Deadline.after(12, NOON).is_right(in_force(hours))


@pytest.mark.parametrize("hours", [11, -1, 13, 24])
def test_much_less_or_more_time_may_not_stay(hours: float) -> None:
    assert not Deadline.after(12, NOON).is_right(in_force(hours))


def test_for_a_plan_time_that_has_passed_is_no_difference_but_another_length_is() -> None:
    wanted = Deadline.after(12, NOON)

    assert wanted.is_right(in_force(1), planning=True)
    assert not wanted.is_right(in_force(24), planning=True)
    assert not wanted.is_right("never", planning=True)


@pytest.mark.parametrize("known", [None, "", "never", "tomorrow"])
def test_no_deadline_is_not_one(known: str | None) -> None:
    assert not Deadline.after(12, NOON).is_right(known)


def test_for_ever_is_right_only_where_it_is_said() -> None:
    assert Deadline().is_right("never")
    assert not Deadline().is_right(None)
    assert not Deadline().is_right(in_force(12))


def test_a_moment_is_read_as_it_is_written() -> None:
    deadline = Deadline.after(3, NOON)

    assert moment(str(deadline)) == deadline.at
    assert deadline.slack == timedelta(minutes=9)
