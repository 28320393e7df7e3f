"""Where the workflow and its inputs lie in a job directory."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hfecs import workflow
from hfecs.errors import WorkflowInvalid
from hfecs.workflow import JobDirectory
from workflow.documents import document, process

COPY = document(process("copy", [0], [1]))


def written(directory: Path, *names: str) -> Path:
    """A directory with files; those called dag.json or workflow.json copy s0 to s1."""
    for name in names:
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(COPY) if path.name in ("dag.json", "workflow.json") else "x")
    return directory


def refused(job: JobDirectory) -> WorkflowInvalid:
    with pytest.raises(WorkflowInvalid) as raised:
        workflow.load(job)
    return raised.value


@pytest.mark.parametrize(
    "name", ["workdir/dag.json", "workdir/workflow.json", "dag.json", "workflow.json", "./workflow.json"]
)
def test_the_workflow_is_found_under_either_name_with_and_without_workdir(tmp_path: Path, name: str) -> None:
    job = JobDirectory(written(tmp_path, name, "input/s0"))

    assert workflow.load(job).jobs_by_program() == {"cp": 1}
    assert job.files() == {"workdir/dag.json": tmp_path / name, "input/s0": tmp_path / "input" / "s0"}


def test_two_workflows_side_by_side_are_refused(tmp_path: Path) -> None:
    error = refused(JobDirectory(written(tmp_path, "workdir/dag.json", "workdir/workflow.json", "input/s0")))

    assert "workdir has both dag.json and workflow.json" in error.message


def test_that_of_workdir_is_meant_if_there_is_one(tmp_path: Path) -> None:
    job = JobDirectory(written(tmp_path, "workdir/dag.json", "workflow.json", "dag.json"))

    assert job.document == tmp_path / "workdir" / "dag.json"


def test_scripts_beside_a_workflow_without_workdir_belong_to_it_and_nothing_else_does(tmp_path: Path) -> None:
    written(tmp_path, "workflow.json", "functions.js", "more.json", "data.fits", "node_modules/a.js", "input/s0")

    names = JobDirectory(tmp_path).workflow_files

    assert sorted(names) == ["dag.json", "functions.js", "more.json"]


def test_inputs_may_lie_elsewhere_and_only_what_is_read_is_uploaded(tmp_path: Path) -> None:
    written(tmp_path, "job/dag.json", "data/s0", "data/s1", "data/large", "data/Z\udcfcrich")
    job = JobDirectory(tmp_path / "job", tmp_path / "data")

    loaded = workflow.load(job)

    assert sorted(job.files(loaded.inputs())) == ["input/s0", "workdir/dag.json"]


def test_inputs_may_lie_beside_the_workflow(tmp_path: Path) -> None:
    written(tmp_path, "workflow.json", "s0")
    job = JobDirectory(tmp_path, tmp_path)

    assert workflow.load(job).inputs() == ["s0"]


def test_a_missing_input_is_told_with_where_it_was_looked_for_and_where_it_is(tmp_path: Path) -> None:
    error = refused(JobDirectory(written(tmp_path, "dag.json", "data/s0")))

    assert "s0 is read by copy (process 0), but no process writes it and it is not in input/" in error.message
    assert f"1 of 1 in {tmp_path}/data: hfecs run JOB_DIR --inputs {tmp_path}/data" in error.hint


def test_an_input_that_is_nowhere_is_told_with_how_to_arrange_it(tmp_path: Path) -> None:
    error = refused(JobDirectory(written(tmp_path, "dag.json", "data/other"), tmp_path / "data"))

    assert f"it is not in {tmp_path}/data/" in error.message
    assert "hfecs run JOB_DIR --inputs DIR" in error.hint


@pytest.mark.parametrize("names", [(), ("notes.txt",), ("input/s0",)])
def test_a_directory_without_a_workflow_is_told_where_one_may_lie(tmp_path: Path, names: tuple[str, ...]) -> None:
    error = refused(JobDirectory(written(tmp_path, *names)))

    assert f"there is no dag.json and no workflow.json in {tmp_path}/workdir/ and {tmp_path}/" in error.message


def test_directories_that_do_not_exist_are_told(tmp_path: Path) -> None:
    written(tmp_path, "dag.json")

    assert f"no directory {tmp_path}/none" in refused(JobDirectory(tmp_path / "none")).message
    assert f"no directory {tmp_path}/none" in refused(JobDirectory(tmp_path, tmp_path / "none")).message
