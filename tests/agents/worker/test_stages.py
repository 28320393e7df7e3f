"""A job from its inputs to its outputs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agents.conftest import BUCKET
from agents.worker.doing import Executor
from hfecs.agents.worker.cancellation import Cancellation
from hfecs.agents.worker.job import Job, Options
from hfecs.agents.worker.reply import Reply

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

IN_S3 = Options("s3", BUCKET, "input/", retries=0)


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
