"""Whatever comes back from a run, as events, a result or a workflow in its bucket: it is shown, or told to be none."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from hfecs.agents.worker.delivery import DeliveryHistory
from hfecs.agents.worker.poison_messages import PoisonMessages
from hfecs.blueprints.run import Run
from hfecs.config import Config
from hfecs.console import Console
from hfecs.errors import WorkflowFailed, WorkflowInvalid
from hfecs.messaging.messages import read_event
from hfecs.provisioning.wait import Wait
from hfecs.runs import progress
from hfecs.runs import result as run_result
from hfecs.runs.outcome import show_outcome
from hfecs.workflow import from_bytes, from_document
from properties.broken import each_fault, files, written
from properties.test_workflows import DAG

EVENT = {
    "executor": "me",
    "timestamp": "2026-01-01T00:00:00.000+00:00",
    "type": "job.run-1.finished",
    "id": "run-1",
    "name": "one",
    "run": "run",
    "executable": "cat",
    "exit_status": 0,
}
RESULT: dict[str, Any] = {
    "run": "run",
    "status": "failed",
    "jobs": 3,
    "done": 1,
    "failed": [
        {
            "id": "run-1",
            "name": "one",
            "executable": "cat",
            "args": ["a", 1],
            "exit_status": 2,
            "stderr": "no\\nroom",
            "exceptions": ["cat ended with exit code 2."],
            "attempts": 3,
            "never_ran": 1,
        }
    ],
    "attempt": 2,
    "never_ran": 1,
    "error": "the engine was lost",
}
COMMAND = cast(
    Any,
    SimpleNamespace(
        console=Console(quiet=True), stack=lambda name: SimpleNamespace(wait=Wait()), config=Config.model_validate({})
    ),
)
RUN = Run("run", "bucket", "task")


class Followed:
    """A run whose events are known."""

    def __init__(self, bodies: list[bytes]) -> None:
        self._bodies = bodies

    def events(self, _: object, __: object) -> list[dict[str, Any]]:
        return [read_event(body) for body in self._bodies]


@given(st.lists(files(EVENT), max_size=3))
def test_events_of_any_kind_do_not_end_the_following_of_a_run(bodies: list[bytes]) -> None:
    watch(bodies)


def test_events_with_any_one_fault_do_not_end_the_following_of_a_run() -> None:
    watch([written(document).encode() for document in each_fault(EVENT)])


def watch(bodies: list[bytes]) -> None:
    progress._watch(COMMAND, Followed(bodies), from_document(DAG))
    for body in bodies:
        assert PoisonMessages(lambda _, body=body: [read_event(body)]).of("run-1", DeliveryHistory(lost=3))  # type: ignore[misc]


@given(files(RESULT))
def test_a_result_of_any_kind_is_shown_or_told_to_be_none(content: bytes) -> None:
    show(content)


def test_a_result_with_any_one_fault_is_shown_or_told_to_be_none() -> None:
    for document in each_fault(RESULT):
        show(written(document).encode())


def show(content: bytes) -> None:
    try:
        show_outcome(COMMAND.console, RUN, run_result.read(content, RUN.name))
    except WorkflowFailed as error:
        assert error.message.startswith(("Run run ", "The result of run run cannot be read: "))
        assert error.hint
    else:
        assert b"succeeded" in content


@given(files(DAG))
def test_a_workflow_in_a_bucket_is_one_or_told_to_be_none(content: bytes) -> None:
    try:
        assert from_bytes(content, source="s3://bucket/workdir/dag.json").width()
    except WorkflowInvalid as error:
        assert error.message.startswith("s3://bucket/workdir/dag.json cannot be run, ")
        assert error.hint
