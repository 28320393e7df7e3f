from __future__ import annotations

from wide import Measured


def test_a_run_without_a_single_job_done_has_a_report_too() -> None:
    measured = Measured(wide=3, jobs=4, done=0, seconds=1.5, working=0.0, journal_bytes=0)

    assert "0 of 4 jobs done" in next(measured.lines())
    assert "0 jobs/s" in "".join(measured.lines())
