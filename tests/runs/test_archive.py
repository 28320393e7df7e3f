from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from hfecs.blueprints import run as run_blueprint
from hfecs.errors import Misused
from hfecs.provisioning.stack import Stack
from hfecs.provisioning.state import State
from hfecs.resources import job_files
from hfecs.runs import archive, lookup
from hfecs.workflow import JobDirectory
from support import WatchedCloud, again, configuration, nothing_changes

BUCKET = "hfecs-files"


@pytest.fixture
def lost(runs: Stack, stack: Stack, job: Path) -> run_blueprint.Run:
    """A run whose engine has ended without a result."""
    run = run_blueprint.up(runs, again(stack), configuration(), run=run_blueprint.Run("one", BUCKET), directory=job)
    digest = hashlib.sha256((job / "workdir" / "dag.json").read_bytes()).hexdigest()
    (tag,) = [key.split("/")[1] for key in job_files.in_bucket(runs, BUCKET) if key.endswith("input/a.txt")]
    begun = {"run": "one", "attempt": 1, "workdir": {"dag.json": digest}, "inputs": {"a.txt": tag}}
    write(runs, "run.json", begun | {"prefix": "runs/one/files/"})
    run_blueprint.stop(again(runs), run)
    return run


def write(runs: Stack, name: str, document: Any) -> None:
    runs.cloud.s3.put_object(Bucket=BUCKET, Key=f"runs/one/{name}", Body=json.dumps(document))


def elsewhere(runs: Stack) -> Stack:
    """The same stack from a machine without the state file."""
    return again(runs, state=State.load(runs.state.document.path.with_name("elsewhere")))


@pytest.mark.usefixtures("lost")
@pytest.mark.parametrize("bucket", [None, BUCKET], ids=["by its tag", "by its name"])
def test_a_run_is_found_in_its_bucket_without_the_state_file(runs: Stack, bucket: str | None) -> None:
    known = archive.find(elsewhere(runs), "one", bucket)

    assert (known.bucket, known.result, known.has_succeeded) == (BUCKET, None, False)
    assert archive.next_attempt(elsewhere(runs), known) == run_blueprint.Run("one", BUCKET, attempt=2)


@pytest.mark.usefixtures("lost")
def test_a_run_that_no_bucket_knows_is_misuse(runs: Stack) -> None:
    with pytest.raises(Misused, match=f"Run two was not found in {BUCKET}"):
        archive.find(again(runs), "two", None)


@pytest.mark.usefixtures("lost")
def test_a_run_that_succeeded_has_nothing_left_to_do(runs: Stack) -> None:
    write(runs, "result.json", {"status": "succeeded"})

    assert archive.find(again(runs), "one", None).has_succeeded


def test_a_run_that_goes_on_is_not_started_beside_itself(runs: Stack, stack: Stack, lost: run_blueprint.Run) -> None:
    run_blueprint.up(again(runs), again(stack), configuration(), run=lost, directory=None)

    with pytest.raises(Misused, match="Run one is still running") as raised:
        archive.next_attempt(again(runs), archive.find(again(runs), "one", None))

    assert "--attach --run one" in raised.value.hint


@pytest.mark.usefixtures("lost")
def test_what_has_not_changed_is_resumed(runs: Stack, cloud: WatchedCloud, job: Path) -> None:
    known = archive.find(again(runs), "one", None)

    with nothing_changes(cloud):
        archive.refuse_changes(again(runs), known, None)
        archive.refuse_changes(again(runs), known, JobDirectory(job))


@pytest.fixture
def lost_before(runs: Stack, lost: run_blueprint.Run, job: Path) -> run_blueprint.Run:
    """A run of an earlier version, whose files are those of its bucket."""
    job_files.ensure_shared(again(runs), "job", bucket=BUCKET, files=JobDirectory(job).files())
    digest = hashlib.sha256((job / "workdir" / "dag.json").read_bytes()).hexdigest()
    tag = job_files.in_bucket(runs, BUCKET)["input/a.txt"]
    write(runs, "run.json", {"run": "one", "workdir": {"dag.json": digest}, "inputs": {"a.txt": tag}})
    return lost


@pytest.mark.usefixtures("lost_before")
def test_a_run_of_an_earlier_version_is_resumed_with_the_files_of_its_bucket(
    runs: Stack, stack: Stack, cloud: WatchedCloud, job: Path
) -> None:
    known = archive.find(again(runs), "one", None)
    archive.refuse_changes(again(runs), known, None)
    cloud.forget()

    run_blueprint.up(
        again(runs), again(stack), configuration(), run=archive.next_attempt(again(runs), known), directory=job
    )

    assert known.beginning.key_of("a.txt") == "input/a.txt"
    assert not cloud.calls_of("PutObject")


@pytest.mark.usefixtures("lost")
def test_files_of_a_run_are_found_by_their_contents_and_those_of_its_jobs_in_its_folder(runs: Stack) -> None:
    known = archive.find(again(runs), "one", None)

    assert runs.cloud.s3.head_object(Bucket=BUCKET, Key=known.beginning.key_of("a.txt"))
    assert known.beginning.key_of("b.txt") == "runs/one/files/b.txt"
    assert archive.document_key(runs, known.run()).endswith("/workdir/dag.json")


@pytest.mark.usefixtures("lost")
def test_a_missing_input_in_the_bucket_is_refused_and_named(runs: Stack) -> None:
    key = archive.find(again(runs), "one", None).beginning.key_of("a.txt")
    runs.cloud.s3.delete_object(Bucket=BUCKET, Key=key)

    with pytest.raises(Misused, match=f"input/a.txt of {BUCKET} changed or disappeared since run one started"):
        archive.refuse_changes(again(runs), archive.find(again(runs), "one", None), None)


@pytest.mark.usefixtures("lost_before")
def test_a_changed_input_in_the_bucket_is_refused_and_named(runs: Stack) -> None:
    runs.cloud.s3.put_object(Bucket=BUCKET, Key="input/a.txt", Body="another")

    with pytest.raises(Misused, match=f"input/a.txt of {BUCKET} changed or disappeared since run one started"):
        archive.refuse_changes(again(runs), archive.find(again(runs), "one", None), None)


@pytest.mark.usefixtures("lost")
def test_a_changed_job_directory_is_refused_and_its_files_are_named(runs: Stack, job: Path) -> None:
    (job / "workdir" / "dag.json").write_text("{}")
    (job / "input" / "a.txt").unlink()

    with pytest.raises(Misused, match=r"input/a.txt, workdir/dag.json of .*/job changed or disappeared") as raised:
        archive.refuse_changes(again(runs), archive.find(again(runs), "one", None), JobDirectory(job))

    assert "start a new run" in raised.value.hint


def test_a_later_attempt_has_a_machine_of_its_own_and_the_engine_knows(
    runs: Stack, stack: Stack, cloud: WatchedCloud, lost: run_blueprint.Run
) -> None:
    cloud.forget()
    second = archive.next_attempt(again(runs), archive.find(again(runs), "one", None))

    started = run_blueprint.up(again(runs), again(stack), configuration(), run=second, directory=None)

    (task,) = cloud.calls_of("RunTask")
    environment = task["overrides"]["containerOverrides"][0]["environment"]
    assert {"name": "ATTEMPT", "value": "2"} in environment
    assert started.machine == "runner-one-2"
    assert lookup.latest(elsewhere(runs), "one") == started
