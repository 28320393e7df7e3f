"""What a person who leaves a run by Ctrl-C is told.

What is shown of a run that has ended.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NoReturn

import pytest

from hfecs.blueprints import run as run_blueprint
from hfecs.blueprints.run import Run
from hfecs.console import Console
from hfecs.errors import WorkflowFailed
from hfecs.runs import progress
from hfecs.runs import result as run_result
from hfecs.runs.progress import show_outcome
from hfecs.session import Session
from hfecs.workflow import from_document

BEGUN = {"run": "one", "bucket": "files-1", "task": "arn:aws:ecs:::task/1", "attempt": "1"}

Captured = pytest.CaptureFixture[str]
RUN = Run("one", "bucket", "task")


@pytest.fixture
def context(with_server: Path) -> Session:
    return Session(with_server / "hfecs.toml", None, False, Console(), [])


def left(context: Session, run: Run) -> None:
    with pytest.raises(KeyboardInterrupt), progress.leaving_it(context, run):
        raise KeyboardInterrupt


@pytest.mark.parametrize("run", [Run("one", "files-1"), Run("one", "files-1", "arn:aws:ecs:::task/1")])
def test_a_run_whose_task_was_started_goes_on(context: Session, capsys: pytest.CaptureFixture[str], run: Run) -> None:
    context.stack(run_blueprint.STACK).output(**BEGUN)

    left(context, run)

    assert "Run one is still running. Follow it: hfecs run --attach" in capsys.readouterr().err


class Interrupted(Session):
    """A context whose person presses Ctrl-C as soon as a stack is asked for."""

    def stack(self, name: str, *, plan: bool = False, may_interrupt: bool = False) -> NoReturn:
        raise KeyboardInterrupt


def test_a_run_that_is_left_before_anything_of_it_is_shown_goes_on(
    with_server: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    context = Interrupted(with_server / "hfecs.toml", None, False, Console(), [])

    with pytest.raises(KeyboardInterrupt):
        progress.follow(context, Run("one", "files-1", "arn:aws:ecs:::task/1"), None)

    assert "Run one is still running." in capsys.readouterr().err


@pytest.mark.parametrize("run", [Run("two", "files-1"), Run("one", "files-1", attempt=2)])
def test_a_run_that_was_not_started_does_not_go_on(
    context: Session, capsys: pytest.CaptureFixture[str], run: Run
) -> None:
    context.stack(run_blueprint.STACK).output(**BEGUN)

    left(context, run)

    assert "still running" not in capsys.readouterr().err


@pytest.mark.usefixtures("project")
def test_an_output_that_the_bucket_does_not_hold_is_named_beside_what_was_fetched(
    context: Session, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    context.cloud.s3.create_bucket(Bucket="files-1")
    context.cloud.s3.put_object(Bucket="files-1", Key="input/there", Body=b"x")
    config = {"executor": {"executable": "p"}}
    process = {"name": "p", "function": "amqpCommand", "config": config, "ins": [], "outs": [0, 1]}
    signals = [{"name": "there"}, {"name": "gone"}]
    workflow = from_document({"processes": [process], "signals": signals, "ins": [], "outs": [0, 1]})

    with pytest.raises(WorkflowFailed, match="does not hold gone of run one; 1 of 2 outputs were fetched"):
        progress.fetch(context, Run("one", "files-1"), workflow, tmp_path / "out")

    assert capsys.readouterr().out.strip() == str(tmp_path / "out" / "there")
    assert (tmp_path / "out" / "there").read_text() == "x"


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
    assert "  $ sh -c 1\n  sh ended with exit code 7.\n  | no star\n" in talk
    assert error.message == "Run one failed after 3 of 9 jobs: 1 job failed; 4 jobs never ran."
    assert "hfecs run --resume one" in error.hint


def test_a_job_whose_reply_could_not_be_read_has_no_exit_code(capsys: Captured) -> None:
    talk, _ = shown(result(failure(2, exit_status=None)), capsys)

    assert "Job job 2 (one-2) failed:\n" in talk


def test_every_failed_job_has_at_least_a_line(capsys: Captured) -> None:
    talk, _ = shown(result(*[failure(number) for number in range(1, 8)]), capsys)

    assert talk.count("| no star") == 5
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
