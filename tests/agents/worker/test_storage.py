"""Where the files of jobs are kept."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agents.conftest import BUCKET
from hfecs.agents.common.object_store import ObjectStore
from hfecs.agents.worker.job import Options
from hfecs.agents.worker.storage import S3Storage, SharedStorage, storage_for
from hfecs.errors import WorkflowFailed

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@pytest.mark.parametrize(
    ("prefix", "key"), [("input/", "input/sub/a"), ("input", "input/sub/a"), ("", "sub/a"), ("/", "sub/a")]
)
def test_files_in_s3_lie_below_the_prefix(s3: S3Client, tmp_path: Path, prefix: str, key: str) -> None:
    storage = S3Storage(ObjectStore(1), BUCKET, prefix)
    (tmp_path / "source").write_text("stars")

    stored = storage.store(tmp_path / "source", "sub/a")
    fetched = storage.fetch("sub/a", tmp_path / "target")

    assert (stored, fetched) == (5, 5)
    assert s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() == b"stars"
    assert (tmp_path / "target").read_text() == "stars"


def test_files_are_copied_from_and_to_a_shared_directory(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    storage = SharedStorage(shared)
    (tmp_path / "source").write_text("stars")

    storage.store(tmp_path / "source", "sub/a")
    storage.fetch("sub/a", tmp_path / "target")

    assert (tmp_path / "target").read_text() == "stars"
    assert [path.name for path in (shared / "sub").iterdir()] == ["a"]


def test_a_copy_that_fails_leaves_the_finished_file_alone(tmp_path: Path) -> None:
    storage = SharedStorage(tmp_path)
    (tmp_path / "result").write_text("finished")

    with pytest.raises(FileNotFoundError):
        storage.store(tmp_path / "never-written", "result")

    assert (tmp_path / "result").read_text() == "finished"
    assert [path.name for path in tmp_path.iterdir()] == ["result"]


def test_a_file_that_is_not_in_the_shared_directory_is_named(tmp_path: Path) -> None:
    with pytest.raises(WorkflowFailed, match=f"{tmp_path}/missing does not exist"):
        SharedStorage(tmp_path).fetch("missing", tmp_path / "target")


def test_a_job_that_runs_where_its_files_are_needs_no_storage() -> None:
    assert storage_for(Options("local", workdir="/data"), ObjectStore(1)) is None
