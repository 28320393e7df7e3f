"""What a person who leaves a run by Ctrl-C is told.

What is shown of a run that has ended.
"""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

import pytest

from hfecs.blueprints import run as run_blueprint
from hfecs.blueprints.run import Run
from hfecs.console import Console
from hfecs.errors import WorkflowFailed
from hfecs.runs import progress
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


@pytest.mark.parametrize("after", ["stopped", "lost"])
def test_a_run_that_was_running_and_has_not_ended_by_itself_was_stopped(after: str) -> None:
    assert progress.stopped_or_ended(RUN, "running", after).startswith("Run one was stopped; ")


@pytest.mark.parametrize(
    ("before", "after"),
    [("running", "succeeded"), ("running", "failed"), ("lost", "lost"), ("stopped", "stopped")],
)
def test_a_run_that_ended_by_itself_while_it_was_being_stopped_was_not_stopped(before: str, after: str) -> None:
    assert progress.stopped_or_ended(RUN, before, after) == f"Run one has already ended: {after}."
