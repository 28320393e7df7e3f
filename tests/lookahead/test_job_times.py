"""The times of jobs, kept for later runs."""

from __future__ import annotations

import json

import pytest

from hfecs.lookahead.job_times import Times, read_times, times_key, written_times


def test_what_is_written_is_read_again() -> None:
    times = Times({"mAdd": (2, 20.0)})
    times.learn("mAdd", 40.0)

    assert read_times(json.dumps(written_times(times))) == {"mAdd": (3, 60.0)}


def test_a_program_of_many_runs_counts_for_no_more_than_is_worth_remembering() -> None:
    written = written_times(Times({"mAdd": (4000, 8000.0)}))

    assert written == {"mAdd": {"jobs": 1000, "seconds": 2000.0}}


@pytest.mark.parametrize(
    "text",
    ["", "[]", "null", '{"mAdd": 3}', '{"mAdd": {"jobs": "x", "seconds": 1}}', '{"a": {"jobs": 0, "seconds": 1}}'],
)
def test_a_file_of_something_else_teaches_nothing(text: str) -> None:
    assert read_times(text) == {}


def test_the_name_of_a_workflow_stays_inside_the_folder() -> None:
    assert times_key("../runs/x") == "times/..%2Fruns%2Fx.json"
    assert times_key("montage 2.0") == "times/montage 2.0.json"
