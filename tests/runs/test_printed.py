"""What jobs printed, as it is read from a bucket and shown."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from commands.conftest import Answer, Hfecs
from hfecs.aws.clients import Cloud
from hfecs.runs.printed import Try

BUCKET, RUN = "mine", "20260101-120000-abcd"
OLDER = "20260101-110000-ffff"

Put = Callable[..., None]


def line(job: int, name: str, exit_status: int | None = 0, number: int = 1, **more: Any) -> dict[str, Any]:
    about = {"job": job, "name": name, "try": number, "exit_status": exit_status, "executor": "me"}
    return {**about, "ended": "2026-01-01T12:00:00.000+00:00", "why": "", "stdout": "", "stderr": "", **more}


LINES = [
    line(1, "mProject_1", stdout='[struct stat="OK"]\n'),
    line(2, "mProject_2", 1, why="mProject ended with exit code 1.", stdout="no image\n", stderr="\x1b[31mbad\x07\n"),
    line(2, "mProject_2", number=2, stdout="good\n"),
    line(3, "mAdd", 1, cut=True),
]


@pytest.fixture
def put(server: Cloud) -> Put:
    """Puts what jobs printed, and the workflow, into a bucket."""

    def put(run: str = RUN, lines: list[dict[str, Any]] = LINES, content: bytes | None = None) -> None:
        server.s3.create_bucket(Bucket=BUCKET)
        parts = [gzip.compress(json.dumps(one).encode() + b"\n") for one in lines]
        names = [*dict.fromkeys(one["name"] for one in LINES), "mViewer"]
        dag = {"processes": [{"name": name} for name in names]}
        server.s3.put_object(Bucket=BUCKET, Key=f"runs/{run}/workdir/dag.json", Body=json.dumps(dag))
        body = b"".join(parts) if content is None else content
        server.s3.put_object(Bucket=BUCKET, Key=f"runs/{run}/output.jsonl.gz", Body=body)

    return put


@pytest.fixture
def logs(project: object, hfecs: Hfecs) -> Hfecs:
    """The command, with the bucket."""

    def logs(*words: str) -> Answer:
        return hfecs("logs", *words, "--bucket", BUCKET)

    return logs


@pytest.mark.parametrize("job", ["mProject_2", "2", f"{RUN}-2"])
def test_what_a_job_printed_is_shown_at_each_of_its_tries(logs: Hfecs, put: Put, job: str) -> None:
    put()

    answer = logs("--job", job)

    first, *rest = answer.data.splitlines()
    assert answer.code == 0
    assert first.startswith("Job mProject_2 (2), try 1: exit code 1 at ")
    assert rest[:3] == ["  mProject ended with exit code 1.", "  stdout | no image", "  stderr | bad\\x07"]
    assert rest[3].startswith("Job mProject_2 (2), try 2: exit code 0 at ")
    assert rest[4:] == ["  stdout | good"]


def test_the_failed_tries_of_all_jobs_are_shown(logs: Hfecs, put: Put) -> None:
    put()

    answer = logs("--failed")

    assert [text for text in answer.data.splitlines() if text.startswith("Job")] == [
        text for text in answer.data.splitlines() if "exit code 1 at" in text
    ]
    assert "  its output is missing: too much was printed in this run before" in answer.data


def test_all_of_it_is_data(logs: Hfecs, put: Put) -> None:
    put()

    answer = logs("--job", "mProject_2", "--json")

    assert [(one["try"], one["stderr"]) for one in json.loads(answer.data)] == [(1, "\x1b[31mbad\x07\n"), (2, "")]
    assert "\x1b" not in answer.data


def test_the_last_run_of_the_bucket_is_meant_unless_one_is_named(logs: Hfecs, put: Put) -> None:
    put()
    put(OLDER, [line(1, "old", stdout="old\n")])

    assert "try 2" in logs("--job", "2").data
    assert "  stdout | old" in logs("--job", "1", "--run", OLDER).data


def test_a_job_that_is_not_there_is_misuse_and_similar_names_are_told(logs: Hfecs, put: Put) -> None:
    put()

    answer = logs("--job", "mPoject_2")

    assert answer.code == 2
    assert f"Run {RUN} has no job mPoject_2." in answer.talk
    assert "did you mean mProject_2 or mProject_1? its jobs have the numbers 1 to 4" in answer.talk
    assert logs("--job", "5").code == logs("--job", "0").code == 2


def test_a_job_that_has_not_ended_is_told_as_such(logs: Hfecs, put: Put) -> None:
    put()

    assert f"No ended try of job mViewer is known of run {RUN} in {BUCKET}" in logs("--job", "mViewer").talk
    assert "No failed try of job mProject_1" in logs("--job", "mProject_1", "--failed").talk


def test_a_run_that_is_not_there_is_misuse(logs: Hfecs, put: Put) -> None:
    put()

    answer = logs("--job", "1", "--run", "20260101-120000-abce")

    assert answer.code == 2
    assert "Run 20260101-120000-abce was not found in mine." in answer.talk
    assert f"did you mean {RUN}?" in answer.talk


@pytest.mark.usefixtures("project")
def test_where_nothing_is_known_the_bucket_is_asked_for(hfecs: Hfecs) -> None:
    answer = hfecs("logs", "--job", "1")

    assert (answer.code, "--bucket NAME" in answer.talk) == (2, True)
    assert hfecs("logs", "--job", "1", "--bucket", "no-such-bucket").code == 2


@pytest.mark.parametrize("content", [b"not gzip", gzip.compress(b"{}\n"), gzip.compress(b'{"job": 1}\n')[:-9]])
def test_what_cannot_be_read_is_a_sentence(logs: Hfecs, put: Put, content: bytes) -> None:
    put(content=content)

    answer = logs("--job", "1")

    assert answer.code == 1
    assert f"What the jobs of run {RUN} printed cannot be read" in answer.talk


@pytest.mark.parametrize("words", [("worker", "--job", "1"), ("--follow", "--failed")])
def test_containers_and_jobs_are_asked_for_one_at_a_time(logs: Hfecs, words: tuple[str, ...]) -> None:
    assert logs(*words).code == 2


def test_the_end_of_much_output_is_called_so() -> None:
    one = Try.model_validate(line(1, "a", stdout="x" * 4096, stderr="ä" * 2000))

    assert list(one.lines())[1:3] == ["  stdout: the last 4 kB", "  stdout | " + "x" * 4096]
    assert not any("stderr: the last" in text for text in one.lines())


def test_16000_jobs_are_read_in_seconds(logs: Hfecs, put: Put) -> None:
    lines = [line(number, f"job_{number}", stdout="word " * 50) for number in range(1, 16_001)]
    put(content=gzip.compress("".join(json.dumps(one) + "\n" for one in lines).encode(), 1))
    start = time.process_time()

    answer = logs("--job", "16000")

    assert "Job job_16000" in answer.data
    assert time.process_time() - start < 5
