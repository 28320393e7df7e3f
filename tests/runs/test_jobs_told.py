"""What the events of a run say about its jobs."""

from __future__ import annotations

from typing import Any

import pytest

from hfecs.runs.jobs_told import EVERY_SECONDS, JobsTold

RUN = "r-1"


class Clock:
    """Seconds, as the test has them."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def told(clock: Clock) -> JobsTold:
    return JobsTold({"a": 2, "b": 1}, clock)


def job(number: int, step: str, program: str = "a", **more: Any) -> dict[str, Any]:
    return {"type": f"job.{RUN}-{number}.{step}", "id": f"{RUN}-{number}", "executable": program, **more}


def workflow(step: str, **more: Any) -> dict[str, Any]:
    return {"type": f"workflow.{RUN}.{step}", **more}


def test_a_job_is_done_when_it_is_finished_and_not_when_its_program_has_ended(told: JobsTold) -> None:
    told.heard(job(1, "started"))

    assert told.heard(job(1, "execution.finished", exit_status=0)) == {}
    assert told.heard(job(1, "finished", exit_status=1)) == {}
    assert told.heard(job(2, "finished", exit_status=0)) == {"a": 1}


def test_a_job_that_runs_twice_counts_once(told: JobsTold) -> None:
    told.heard(job(1, "finished", exit_status=0))

    assert told.heard(job(1, "finished", exit_status=0)) == {}
    assert (told.done, told.left) == (1, 2)


def test_jobs_of_earlier_attempts_are_done_already(told: JobsTold) -> None:
    assert told.heard(workflow("started", done={"a": 1, "b": "many"})) == {"a": 1}
    assert told.heard(job(2, "finished", exit_status=0)) == {"a": 2}


def test_after_a_run_that_succeeded_all_jobs_are_done(told: JobsTold) -> None:
    assert told.heard(workflow("finished", result={"status": "succeeded"})) == {"a": 2, "b": 1}
    assert told.heard(workflow("finished", result={"status": "failed"})) == {}


def test_what_is_waited_for_is_said_with_how_long(told: JobsTold, clock: Clock) -> None:
    clock.now = 12
    first = told.words()
    told.heard(workflow("started", done={}))
    clock.now = 47
    second = told.words()
    told.heard(job(1, "started"))

    assert first == "waiting for the engine and the broker (12 s)"
    assert second == "the engine is running; waiting for the first worker (35 s)"
    assert told.words() == "0 of 3 jobs done, 1 running"


def test_failed_jobs_are_counted_until_they_succeed_and_those_handed_back_are_not(told: JobsTold) -> None:
    for number in (1, 2):
        told.heard(job(number, "started"))
    told.heard(job(1, "finished", exit_status=1))
    told.heard(job(2, "finished", exit_status=1, handed_back=True))
    failed = told.words()
    told.heard(job(1, "started"))
    told.heard(job(1, "finished", exit_status=0))

    assert failed == "0 of 3 jobs done, 0 running, 1 failed"
    assert told.words() == "1 of 3 jobs done, 0 running"


def test_a_line_comes_with_each_phase_and_every_half_minute(told: JobsTold, clock: Clock) -> None:
    lines = []
    for _ in range(120):
        clock.now += 1
        if clock.now == 50:
            told.heard(job(1, "started"))
        if line := told.line():
            lines.append((clock.now, line))

    assert [at for at, _ in lines] == [1, 1 + EVERY_SECONDS, 50, 50 + EVERY_SECONDS, 50 + 2 * EVERY_SECONDS]


@pytest.mark.parametrize("event", [{}, {"type": "x"}, {"type": "workflow.r"}, {"type": "job..started", "id": ""}])
def test_what_anybody_may_have_sent_breaks_nothing(told: JobsTold, event: dict[str, Any]) -> None:
    told.heard(event)

    assert told.left == 3
