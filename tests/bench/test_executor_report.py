from __future__ import annotations

import pytest
from executor_cloud import Run
from executor_report import Verdicts, ideal


def run(seconds: list[float], before: dict[int, set[int]] | None = None, late: float = 0.0) -> Run:
    """A run whose jobs took so long, the last one beginning late; what one waits for is told by number."""
    waits = {job: (before or {}).get(job, set()) for job in range(len(seconds))}
    jobs = {job: (0.0, took) for job, took in enumerate(seconds)}
    jobs[len(seconds) - 1] = (late, late + seconds[-1])
    return Run(jobs, -1.0, 100.0, waits)


def test_one_slot_takes_the_sum_of_all_jobs() -> None:
    assert ideal(run([1, 2, 3]), 1) == 6


def test_jobs_side_by_side_begin_as_soon_as_a_slot_is_free() -> None:
    assert ideal(run([3, 1, 1, 2]), 2) == 4


def test_a_job_begins_when_all_that_it_waits_for_has_ended() -> None:
    assert ideal(run([1, 4, 2], before={2: {0, 1}}), 4) == 6


@pytest.mark.parametrize(("late", "exit_code"), [(3.8, 0), (4.2, 1)])
def test_a_makespan_above_its_goal_makes_the_bench_fail(
    capsys: pytest.CaptureFixture[str], late: float, exit_code: int
) -> None:
    verdicts = Verdicts()

    verdicts.makespan(run([1, 2, 3], late=late), 1, goal=1.15)

    assert verdicts.exit_code == exit_code
    assert ("MISSED" if exit_code else "met") in capsys.readouterr().out


def test_a_rate_is_that_of_all_jobs_between_the_first_start_and_the_last_end(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Verdicts().rate("jobs", run([0.5, 0.25, 0.25]), goal=5)

    assert "6 a second  goal 5 met" in capsys.readouterr().out
