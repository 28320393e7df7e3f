"""A job from its inputs to its outputs.

Where the files of jobs are kept.

Jobs on a disk that is full, and with files that they may not touch.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agents.conftest import BUCKET
from agents.worker.doing import Executor
from hfecs.agents.common.object_store import ObjectStore
from hfecs.agents.worker.cancellation import Cancellation
from hfecs.agents.worker.job import Job, Options
from hfecs.agents.worker.reply import Reply
from hfecs.agents.worker.stages import S3Storage, SharedStorage, disk_is_full, file_problem, storage_for
from hfecs.errors import WorkflowFailed

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


IN_S3 = Options("s3", BUCKET, "input/", retries=0)

BYTES = 2 * 1024 * 1024


def job(line: str, options: Options, inputs: tuple[str, ...] = (), outputs: tuple[str, ...] = ()) -> Job:
    return Job("r-1", "one", "r", "sh", ("-c", line), {}, inputs, outputs, "", "", options)


@pytest.fixture
def executor() -> Executor:
    return Executor()


def test_a_job_fetches_its_inputs_and_stores_its_outputs(s3: S3Client, executor: Executor) -> None:
    for name in ("a", "sub/b"):
        s3.put_object(Bucket=BUCKET, Key=f"input/{name}", Body=name)

    reply = executor.do(job("cat a sub/b > out/c", IN_S3, ("a", "sub/b"), ("out/c",)))

    assert (reply.exit_status, reply.exceptions) == (0, ())
    assert s3.get_object(Bucket=BUCKET, Key="input/out/c")["Body"].read() == b"asub/b"


def test_an_input_with_a_key_of_its_own_is_fetched_from_there(s3: S3Client, executor: Executor) -> None:
    s3.put_object(Bucket=BUCKET, Key="files/1/input/a", Body="ours")
    s3.put_object(Bucket=BUCKET, Key="input/a", Body="not ours")
    keyed = replace(job("cat a > b", IN_S3, ("a",), ("b",)), input_keys={"a": "files/1/input/a"})

    assert executor.do(keyed).exit_status == 0
    assert s3.get_object(Bucket=BUCKET, Key="input/b")["Body"].read() == b"ours"


def test_the_events_of_a_job_tell_each_stage_with_seconds_and_bytes(s3: S3Client, executor: Executor) -> None:
    s3.put_object(Bucket=BUCKET, Key="input/a", Body="1234")

    reply = executor.do(job("cat a a > b", IN_S3, ("a",), ("b",)))

    stages = [f"{stage}.{end}" for stage in ("stage_in", "execution", "stage_out") for end in ("started", "finished")]
    assert executor.kinds() == ["started", *stages, "finished"]
    fetched, executed, stored = (executor.events[number] for number in (2, 4, 6))
    assert (fetched["bytes"], stored["bytes"], executed["exit_status"]) == (4, 8, 0)
    assert reply.metrics.keys() == {"stage_in", "execution", "stage_out"}
    about = {"executor": "me", "id": "r-1", "name": "one", "run": "r", "executable": "sh"}
    assert all(about.items() <= event.items() for event in executor.events)


def test_a_job_may_have_thousands_of_files(tmp_path: Path, executor: Executor) -> None:
    names = tuple(f"file_{number}" for number in range(1500))
    for name in names:
        (tmp_path / name).touch()
    options = Options("nfs", workdir=str(tmp_path))

    reply = executor.do(job("mkdir out; cp file_* out", options, names, tuple(f"out/{name}" for name in names)))

    assert (reply.exit_status, reply.exceptions) == (0, ())
    assert len(list((tmp_path / "out").iterdir())) == 1500


def test_a_missing_input_is_named_with_bucket_and_key(s3: S3Client, executor: Executor) -> None:
    reply = executor.do(job("true", IN_S3, ("a.fits",)))

    assert reply.exit_status == 1
    assert reply.exceptions == (f"The download of input/a.fits from the bucket {BUCKET} failed: no such object.",)
    assert "execution.started" not in executor.kinds()


def test_an_output_that_was_not_written_fails_the_job(s3: S3Client, executor: Executor) -> None:
    reply = executor.do(job("echo done; touch a", IN_S3, (), ("a", "b")))

    assert (reply.exit_status, reply.stdout) == (1, "done\n")
    assert reply.exceptions == ("sh ended with exit code 0 but did not write b.",)
    assert "Contents" not in s3.list_objects_v2(Bucket=BUCKET)


def test_of_many_outputs_that_were_not_written_some_are_named(s3: S3Client, executor: Executor) -> None:
    reply = executor.do(job("true", IN_S3, (), tuple(f"tile_{number}" for number in range(3_000))))

    assert reply.exceptions[0].endswith(
        "did not write " + ", ".join(f"tile_{n}" for n in range(10)) + " and 2990 more."
    )


def test_a_failed_job_stores_nothing_and_tells_its_stderr(s3: S3Client, executor: Executor) -> None:
    reply = executor.do(job("echo half > a; echo no space >&2; exit 2", IN_S3, (), ("a",)))

    assert (reply.exit_status, reply.stderr) == (2, "no space\n")
    assert reply.exceptions == ("sh ended with exit code 2.",)
    assert "Contents" not in s3.list_objects_v2(Bucket=BUCKET)


def test_a_job_whose_output_cannot_be_stored_tells_what_it_printed(tmp_path: Path, executor: Executor) -> None:
    (tmp_path / "shared").touch()

    reply = executor.do(job("echo hello; touch b", Options("nfs", workdir=str(tmp_path / "shared")), outputs=("b",)))

    assert (reply.exit_status, reply.stdout) == (1, "hello\n")


def test_a_job_leaves_no_directory_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, executor: Executor) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    shared = Options("nfs", workdir=str(tmp_path / "shared"))

    reply = executor.do(job("pwd; echo x > a", shared, (), ("a",)))

    assert reply.stdout.startswith(str(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["shared"]


def test_a_local_job_runs_where_its_files_are(tmp_path: Path, executor: Executor) -> None:
    (tmp_path / "a").write_text("here")

    reply = executor.do(job("cat a > b", Options("local", workdir=str(tmp_path)), ("a",), ("b",)))

    assert reply.exit_status == 0
    assert (tmp_path / "b").read_text() == "here"
    assert executor.kinds() == ["started", "execution.started", "execution.finished", "finished"]


def test_a_directory_that_does_not_exist_is_named(tmp_path: Path, executor: Executor) -> None:
    reply = executor.do(job("true", Options("local", workdir=f"{tmp_path}/nowhere")))

    assert reply.exceptions == (f"The job's directory {tmp_path}/nowhere does not exist on the executor.",)


def test_files_that_cannot_be_written_fail_the_job_with_a_sentence(tmp_path: Path, executor: Executor) -> None:
    (tmp_path / "shared").write_text("a file where a directory should be")

    reply = executor.do(job("touch a", Options("nfs", workdir=f"{tmp_path}/shared"), (), ("a",)))

    assert reply.exit_status == 1
    assert "could not work on the job's files" in reply.exceptions[0]


def test_a_cancelled_job_transfers_nothing(s3: S3Client, executor: Executor) -> None:
    cancellation = Cancellation()
    cancellation.cancel()

    reply = executor.do(job("true", IN_S3, ("a",)), cancellation)

    assert reply.exceptions == ("The job was returned to the queue.",)


def test_the_reply_of_a_success_has_no_exceptions() -> None:
    assert "exceptions" not in Reply(0).body("me")
    assert Reply(1, exceptions=("why",)).body("me")["exceptions"] == ["why"]


def test_an_output_that_is_a_folder_fails_the_job_with_a_sentence(s3: S3Client, executor: Executor) -> None:
    reply = executor.do(job("mkdir o; echo 1 > o/one", IN_S3, outputs=("o",)))

    assert reply.exit_status != 0
    assert reply.exceptions == ("o of sh is a folder; name the files in it as outputs.",)


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


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A disk of 2 MiB."""
    place = tmp_path / "small"
    place.mkdir()
    mounting = ["mount", "-t", "tmpfs", "-o", f"size={BYTES}", "tmpfs", str(place)]
    if os.geteuid() != 0 or subprocess.run(mounting, capture_output=True, check=False).returncode:
        pytest.skip("this machine does not let us mount a disk")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_inputs_that_do_not_fit_on_the_disk_are_told_as_such(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "big").write_bytes(bytes(2 * BYTES))
    monkeypatch.setattr("tempfile.tempdir", str(small))

    reply = Executor().do(job("true", Options("nfs", workdir=str(tmp_path)), ("big",)))

    assert reply.exit_status == 1
    assert reply.exceptions[0].startswith("The disk of the executor is full: ")
    assert reply.attempts == 3
    assert list(small.iterdir()) == []


def test_a_program_that_fills_the_disk_fails_with_a_sentence_about_the_disk(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(small))
    options = Options("nfs", workdir=str(tmp_path), retries=0)

    reply = Executor().do(job(f"head -c {2 * BYTES} /dev/zero > out", options, (), ("out",)))

    assert "No space left on device" in reply.stderr
    (problem,) = reply.exceptions
    assert problem.startswith("sh ended with exit code 1. The disk of ")
    assert problem.endswith(" on the executor is full.")
    assert not (tmp_path / "out").exists()


def test_a_result_that_does_not_fit_on_the_file_server_leaves_the_finished_one_alone(small: Path) -> None:
    (small / "out").write_text("finished")
    options = Options("nfs", workdir=str(small), retries=0)

    reply = Executor().do(job(f"head -c {2 * BYTES} /dev/zero > out", options, (), ("out",)))

    assert "is full" in reply.exceptions[0]
    assert (small / "out").read_text() == "finished"
    assert [path.name for path in small.iterdir()] == ["out"]


def test_a_program_that_may_not_write_so_large_a_file_is_ended_by_the_signal_for_it(tmp_path: Path) -> None:
    options = Options("local", workdir=str(tmp_path), retries=0)

    reply = Executor().do(job("ulimit -f 1; exec head -c 100000 /dev/zero > out", options))

    assert reply.exceptions == ("sh was killed by SIGXFSZ.",)


def test_a_file_that_may_not_be_used_is_named() -> None:
    told = file_problem(PermissionError(13, "Permission denied", "/data/input/a.fits"))

    assert told == "The executor may not use the job's file /data/input/a.fits: Permission denied."


def test_a_disk_with_room_is_not_full(tmp_path: Path) -> None:
    assert not disk_is_full(tmp_path)
    assert not disk_is_full(tmp_path / "nowhere")
