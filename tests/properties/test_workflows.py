"""Whatever stands in dag.json: a workflow whose numbers can be told, or sentences about it."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfecs import workflow
from hfecs.agents.engine import dag
from hfecs.errors import WorkflowInvalid
from properties.broken import JUNK, documents, each_fault, files, written

DAG: dict[str, Any] = {
    "name": "copy",
    "processes": [
        {
            "name": "one",
            "function": "amqpCommand",
            "ins": [0],
            "outs": [1, "next"],
            "config": {"executor": {"executable": "cat", "args": ["a", 1, 0.5], "env": {"A": "b"}, "stdout": "b"}},
        },
        {
            "name": "two",
            "function": "{{function}}",
            "ins": [1, 2],
            "outs": [3],
            "config": {"executor": {"executable": "cp"}},
        },
        {"name": "three", "function": "own", "ins": [3], "outs": []},
    ],
    "signals": [
        {"name": "a", "data": [{}]},
        {"name": "b"},
        {"name": "next", "control": "next"},
        {"name": "c", "files": "c/d:c/e"},
    ],
    "ins": [0],
    "outs": [3],
}
LONGEST = 20_000


def check(call: Any) -> None:
    """A call gives a workflow with numbers, or says in sentences what is wrong with it."""
    try:
        loaded = call()
    except WorkflowInvalid as error:
        assert error.hint
        assert len(error.message) < LONGEST
        assert error.message.replace("\n", "").isprintable()
        return
    assert loaded.width() >= 1
    assert loaded.longest_chain() >= 1
    assert sum(loaded.jobs_by_program().values()) == len(loaded.processes)
    for name in (*loaded.inputs(), *loaded.outputs()):
        assert ".." not in name.split("/")
        assert not name.startswith("/")
        name.encode()


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("job")
    (directory / "workdir").mkdir()
    (directory / "input").mkdir()
    (directory / "input/a").touch()
    return directory


@given(files(DAG))
def test_a_file_is_a_workflow_or_told_to_be_none(job: Path, content: bytes) -> None:
    (job / "workdir/dag.json").write_bytes(content)

    check(lambda: workflow.load(job))


def test_a_file_with_any_one_fault_is_told_about(job: Path) -> None:
    for document in islice(each_fault(DAG), 0, None, 3):
        (job / "workdir/dag.json").write_text(written(document))
        check(lambda: workflow.load(job))


@given(documents(DAG) | JUNK)
def test_a_document_is_a_workflow_or_told_to_be_none(document: Any) -> None:
    check(lambda: workflow.from_document(document))


@given(st.integers(1, 6), st.data())
def test_a_graph_of_any_shape_is_a_workflow_or_told_to_be_none(count: int, data: st.DataObject) -> None:
    indices = st.lists(st.integers(-1, count) | st.sampled_from(["s0", "s1", "", "none"]), max_size=3)
    processes = [
        {"name": f"p{number}", "function": "own", "ins": data.draw(indices), "outs": data.draw(indices)}
        for number in range(data.draw(st.integers(0, count)))
    ]
    signals = [{"name": f"s{data.draw(st.integers(0, count))}"} for _ in range(count)]

    check(lambda: workflow.from_document({"processes": processes, "signals": signals, "ins": [], "outs": []}))


@given(files(DAG))
def test_the_engine_gets_a_workflow_that_it_can_read_or_none(job: Path, content: bytes) -> None:
    (job / "workdir/dag.json").write_bytes(content)

    check(lambda: dag.make_ready(job / "workdir", "run", "bucket", {"name": "x"}, {"workdir": "/x"}))


def test_the_engine_gets_no_workflow_with_a_fault(job: Path) -> None:
    for document in islice(each_fault(DAG), 0, None, 10):
        (job / "workdir/dag.json").write_text(written(document))
        check(lambda: dag.make_ready(job / "workdir", "run", "bucket", {}))
