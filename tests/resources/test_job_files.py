from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import pytest

from hfecs.aws.clients import PART_BYTES
from hfecs.provisioning.report import Outcome, Recorder
from hfecs.provisioning.stack import Stack
from hfecs.resources import job_files
from hfecs.workflow import JobDirectory
from support import WatchedCloud, again, nothing_changes, steps

BUCKET = "hfecs-files"
SENDING = {"PutObject", "CreateMultipartUpload"}


@pytest.fixture
def job(stack: Stack, tmp_path: Path) -> Path:
    """A job directory, and the bucket for it."""
    stack.cloud.s3.create_bucket(Bucket=BUCKET)
    folder = tmp_path / "job"
    for name, text in {
        "workdir/dag.json": "{}",
        "input/a.fits": "aaa",
        "input/deep/b.fits": "bbb",
        "notes.txt": "",
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def send(stack: Stack, job: Path) -> int:
    return job_files.ensure(stack, "job", bucket=BUCKET, files=JobDirectory(job).files(), run="one")


def keys(stack: Stack) -> list[str]:
    return [item["Key"] for item in stack.cloud.s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])]


def names(keys: Iterable[str]) -> list[str]:
    """The names of uploaded files, without the checksums in their keys."""
    return sorted(key.split("/", 2)[2] for key in keys if key.startswith("files/"))


def sent(cloud: WatchedCloud) -> list[str]:
    return names(call.arguments["Key"] for call in cloud.calls if call.operation in SENDING)


def of_run(stack: Stack, run: str, name: str) -> bytes:
    """A file as a run has it."""
    tags = json.loads(stack.cloud.s3.get_object(Bucket=BUCKET, Key=f"runs/{run}/files.json")["Body"].read())
    return stack.cloud.s3.get_object(Bucket=BUCKET, Key=f"files/{tags[name]}/{name}")["Body"].read()


def test_files_are_sent_and_listed_under_their_names(stack: Stack, job: Path) -> None:
    assert send(stack, job) == 8

    assert names(keys(stack)) == ["input/a.fits", "input/deep/b.fits", "workdir/dag.json"]
    assert of_run(stack, "one", "input/a.fits") == b"aaa"
    assert steps(stack)[0].detail == "3 of 3 files, 0.0 MB"


def test_a_second_time_sends_nothing(stack: Stack, cloud: WatchedCloud, job: Path) -> None:
    send(stack, job)
    later = again(stack)

    with nothing_changes(cloud):
        assert send(later, job) == 0

    assert steps(later)[0].outcome is Outcome.UNCHANGED


@pytest.mark.parametrize("text", ["xyz", "longer"], ids=["of the same size", "of another size"])
def test_only_a_file_that_changed_is_sent(stack: Stack, cloud: WatchedCloud, job: Path, text: str) -> None:
    send(stack, job)
    (job / "input/a.fits").write_text(text)
    cloud.forget()

    assert send(again(stack), job) == len(text)

    assert sent(cloud) == ["input/a.fits"]


def test_a_file_that_is_missing_in_the_bucket_is_sent_again(stack: Stack, cloud: WatchedCloud, job: Path) -> None:
    send(stack, job)
    (key,) = [key for key in keys(stack) if key.endswith("b.fits")]
    stack.cloud.s3.delete_object(Bucket=BUCKET, Key=key)
    cloud.forget()

    send(again(stack), job)

    assert sent(cloud) == ["input/deep/b.fits"]


def test_what_an_earlier_run_has_is_never_written_over(stack: Stack, job: Path) -> None:
    send(stack, job)
    (job / "input/a.fits").write_text("xyz")

    job_files.ensure(again(stack), "job", bucket=BUCKET, files=JobDirectory(job).files(), run="two")

    assert [of_run(stack, run, "input/a.fits") for run in ("one", "two")] == [b"aaa", b"xyz"]


def test_a_run_whose_start_was_interrupted_has_the_files_of_its_second_start(stack: Stack, job: Path) -> None:
    send(stack, job)
    (job / "input/a.fits").write_text("xyz")

    send(again(stack), job)

    assert of_run(stack, "one", "input/a.fits") == b"xyz"


def test_a_repeated_upload_costs_one_listing(stack: Stack, cloud: WatchedCloud, job: Path) -> None:
    send(stack, job)
    cloud.forget()

    send(again(stack), job)

    assert [call.operation for call in cloud.calls] == ["ListObjectsV2", "GetObject"]


def test_runs_of_earlier_versions_have_their_files_under_the_same_names(stack: Stack, job: Path) -> None:
    for size in (8, 0):
        files = JobDirectory(job).files()
        assert job_files.ensure_shared(again(stack), "job", bucket=BUCKET, files=files) == size

    assert keys(stack) == ["input/a.fits", "input/deep/b.fits", "workdir/dag.json"]


@pytest.mark.parametrize("extra", [-1, 0, 1, PART_BYTES])
def test_a_large_file_is_known_by_the_checksum_of_its_parts(
    stack: Stack, cloud: WatchedCloud, job: Path, extra: int
) -> None:
    (job / "input/large").write_bytes(b"x" * (PART_BYTES + extra))
    send(stack, job)

    with nothing_changes(cloud):
        assert send(again(stack), job) == 0


def test_an_empty_file_is_sent_once(stack: Stack, cloud: WatchedCloud, job: Path) -> None:
    (job / "input/empty").touch()
    send(stack, job)

    with nothing_changes(cloud):
        send(again(stack), job)

    assert "input/empty" in names(keys(stack))


def test_a_plan_sends_nothing_and_needs_no_bucket(stack: Stack, cloud: WatchedCloud, job: Path) -> None:
    plan = again(stack, plan=True)

    with nothing_changes(cloud):
        job_files.ensure(plan, "job", bucket="not-there-yet", files=JobDirectory(job).files(), run="one")

    assert steps(plan)[0].detail.startswith("3 of 3 files")


def test_progress_counts_all_bytes_of_all_files(stack: Stack, job: Path) -> None:
    told: list[tuple[int, int]] = []

    class Telling(Recorder):
        def transferred(self, what: str, done: int, total: int) -> None:
            told.append((done, total))

    stack.reporter = Telling()
    send(stack, job)

    assert told[-1] == (8, 8)
    assert [done for done, _ in told] == sorted(done for done, _ in told)
