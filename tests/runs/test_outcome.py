"""How the end of a run is shown."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hfecs.blueprints.run import Run
from hfecs.console import Console
from hfecs.errors import WorkflowFailed
from hfecs.runs import result as run_result
from hfecs.runs.outcome import show_outcome

Captured = pytest.CaptureFixture[str]
RUN = Run("one", "bucket")


def failure(number: int, **facts: Any) -> dict[str, Any]:
    job = {"id": f"one-{number}", "name": f"job {number}", "executable": "sh", "args": ["-c", 1], "exit_status": 7}
    return {**job, "stderr": "no star\n", "exceptions": ["sh ended with exit code 7."], "never_ran": 0, **facts}


def result(*failed: dict[str, Any], **facts: Any) -> dict[str, Any]:
    told = {"status": "failed", "jobs": 9, "done": 3, "never_ran": 4, "failed": [*failed], **facts}
    return run_result.read(json.dumps(told).encode(), "one")


def shown(told: dict[str, Any], capsys: Captured) -> tuple[str, WorkflowFailed]:
    with pytest.raises(WorkflowFailed) as raised:
        show_outcome(Console(), RUN, told)
    return capsys.readouterr().err, raised.value


def test_a_failed_job_is_shown_with_its_tries_its_command_its_words_and_what_never_ran(capsys: Captured) -> None:
    talk, error = shown(result(failure(2, attempts=3, never_ran=4)), capsys)

    assert "Job job 2 (one-2) failed with exit code 7 at each of 3 tries; 4 jobs depending on it never ran:" in talk
    assert "  $ sh -c 1\n  sh ended with exit code 7.\n  stderr | no star\n" in talk
    assert error.message == "Run one failed after 3 of 9 jobs: 1 job failed; 4 jobs never ran."
    assert "hfecs run --resume one" in error.hint


def test_what_a_failed_job_printed_is_shown_of_both_streams(capsys: Captured) -> None:
    said = '[struct stat="ERROR", msg="File (x.fits) is not a FITS image"]\n'

    alone, error = shown(result(failure(2, stdout=said, stderr="")), capsys)
    both, _ = shown(result(failure(2, stdout=f"reading\n{said}")), capsys)

    assert f"exit code 7.\n  stdout | {said}" in alone
    assert "stderr" not in alone
    assert f"  stdout | reading\n  stdout | {said}  stderr | no star\n" in both
    assert "hfecs logs --failed --run one" in error.hint


def test_what_a_failed_job_printed_does_nothing_to_the_terminal(capsys: Captured) -> None:
    evil = "\x1b[31mred\x1b[0m \x1b]0;title\x07:cat: [bold]x[/bold] \x9b2J \x07\u202e 10 %\r100 %\r\n\tx"

    talk, _ = shown(result(failure(2, stdout=evil, name="a\x1bb", args=["\x07"], exceptions=["\x1b[2J"])), capsys)

    assert "  stdout | 100 %\n  stdout |         x\n" in talk
    assert "Job a\\x1bb (one-2)" in talk
    assert talk.replace("\n", "").isprintable()


def test_a_job_whose_reply_could_not_be_read_has_no_exit_code(capsys: Captured) -> None:
    talk, _ = shown(result(failure(2, exit_status=None)), capsys)

    assert "Job job 2 (one-2) failed:\n" in talk


def test_every_failed_job_has_at_least_a_line(capsys: Captured) -> None:
    talk, _ = shown(result(*[failure(number) for number in range(1, 8)]), capsys)

    assert talk.count("stderr | no star") == 5
    assert "Job job 7 (one-7) failed with exit code 7.\n" in talk


def test_of_hundreds_of_failed_jobs_the_result_tells(capsys: Captured) -> None:
    talk, _ = shown(result(*[failure(number) for number in range(1, 103)]), capsys)

    assert "2 more failed: see s3://bucket/runs/one/result.json" in talk
    assert "job 101" not in talk


def test_a_run_that_was_stopped_says_so(capsys: Captured) -> None:
    _, error = shown(result(status="stopped", error="The run was stopped."), capsys)

    assert error.message == "Run one stopped after 3 of 9 jobs: The run was stopped."


def test_a_later_attempt_is_named(capsys: Captured) -> None:
    show_outcome(Console(), RUN, result(status="succeeded", attempt=2, done=9))

    assert "Run one (attempt 2) succeeded: 9 of 9 jobs." in capsys.readouterr().err
