"""Where a follower goes on in the history of events."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from hfecs.runs.follow import Cursor

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)


@pytest.fixture
def place() -> Cursor:
    """A follower's place in the history of run one, at noon."""
    return Cursor("one", lambda: NOW)


def told(timestamp: str, run: str = "one") -> dict[str, str]:
    return {"run": run, "timestamp": timestamp, "type": "job.one-1.started"}


def test_all_is_read_until_something_is_known(place: Cursor) -> None:
    assert place.offset == "first"


def test_it_goes_on_a_minute_before_the_last_event(place: Cursor) -> None:
    place.begin(NOW - timedelta(hours=1))

    place.passed(told("2026-07-01T11:30:00.000+00:00"))
    place.passed(told("2026-07-01T11:20:00.000+00:00"))

    assert place.offset == datetime(2026, 7, 1, 11, 29, tzinfo=UTC)


@pytest.mark.parametrize("ahead", ["2026-07-01T13:00:00+00:00", "9999-12-31T23:59:59+00:00"])
def test_a_clock_that_is_ahead_does_not_lead_into_the_future(place: Cursor, ahead: str) -> None:
    place.passed(told(ahead))

    assert place.offset == NOW - timedelta(minutes=1)


def test_the_events_of_other_runs_lead_nowhere(place: Cursor) -> None:
    place.begin(NOW - timedelta(hours=1))

    place.passed(told("2026-07-01T11:59:00+00:00", run="two"))
    place.passed({"timestamp": "2026-07-01T11:59:00+00:00", "type": "executor.ready"})

    assert place.offset == NOW - timedelta(hours=1)


@pytest.mark.parametrize(
    "early", ["0001-01-01T00:00:00+00:00", "0001-01-01T00:00:00+14:00", "1969-07-20T20:17:00+00:00"]
)
def test_no_event_leads_before_the_time_that_amqp_knows(place: Cursor, early: str) -> None:
    place.passed(told(early))

    assert place.offset in ("first", datetime(1970, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize("timestamp", ["", "yesterday", "9999-12-31T23:59:59-14:00"])
def test_a_time_that_is_none_leads_nowhere(place: Cursor, timestamp: str) -> None:
    place.begin(NOW - timedelta(hours=1))

    place.passed(told(timestamp))

    assert place.offset == NOW - timedelta(hours=1)
