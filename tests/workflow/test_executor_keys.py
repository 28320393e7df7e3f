"""The keys of config.executor."""

from __future__ import annotations

from typing import Any

import pytest

from hfecs import workflow
from workflow.documents import document, executor, faults, process


@pytest.mark.parametrize(
    "key", ["image", "container", "workdir", "work_dir", "input_dir", "output_dir", "stdoutAppend", "stderrAppend"]
)
def test_a_key_that_changes_what_a_job_does_is_refused(key: str) -> None:
    made = document(process("a", [0], [1], config=executor(**{key: "x"})))

    assert faults(made) == [f"a (process 0): config.executor.{key} is not supported"]


@pytest.mark.parametrize("keys", [{}, {"shell": True}, {"stdout": "s1", "stderr": "log", "env": {"A": "1"}}])
def test_keys_that_are_heeded_are_not_spoken_of(keys: dict[str, Any]) -> None:
    assert workflow.from_document(document(process("a", [0], [1], config=executor(**keys)))).notes == ()


def test_a_key_that_is_passed_over_is_noted() -> None:
    jobs = [process(f"p{n}", [0], [], config=executor(cpuRequest="1", memRequest="2Gi")) for n in range(3)]

    notes = workflow.from_document(document(*jobs)).notes

    assert notes[0] == "config.executor.cpuRequest of p0 (process 0), p1 (process 1), p2 (process 2) is not heeded"
    assert [note.split()[0] for note in notes] == ["config.executor.cpuRequest", "config.executor.memRequest"]


def test_a_function_of_the_engine_may_have_any_keys() -> None:
    made = document(process("a", [0], [1], function="noop", config=executor(image="x", cpuRequest="1")))

    assert workflow.from_document(made).notes == ()
