"""A job that fails, is tried again, and is given up."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path

import pytest

from agents.worker.doing import Executor, Impatient
from hfecs.agents.worker.delivery import DeliveryHistory
from hfecs.agents.worker.job import Job, Options

FLAKY = "echo x >> tries; [ $(wc -l < tries) -gt %d ]"
"""Fails so often before it succeeds."""


def job(directory: Path, line: str, *, retries: int = 2, program: str = "sh") -> Job:
    options = Options("local", workdir=str(directory), retries=retries)
    return Job("r-1", "one", "r", program, ("-c", line), {}, (), (), "", "", options)


def test_a_program_that_fails_twice_is_tried_three_times(tmp_path: Path) -> None:
    executor, waiting = Executor(), Impatient()

    reply = executor.do(job(tmp_path, FLAKY % 2), waiting)

    assert (reply.exit_status, reply.attempts, reply.exceptions) == (0, 3, ())
    assert waiting.waited == [1.0, 2.0]


def test_each_further_try_is_told_with_its_reason(tmp_path: Path) -> None:
    executor = Executor()

    executor.do(job(tmp_path, FLAKY % 1))

    tried = ["execution.started", "execution.finished"]
    assert executor.kinds() == ["started", *tried, "retried", *tried, "finished"]
    retried, finished = executor.events[3], executor.events[-1]
    assert (retried["attempt"], retried["exit_status"], retried["why"]) == (1, 1, "sh ended with exit code 1.")
    assert (finished["attempts"], finished["exit_status"]) == (2, 0)


def test_a_program_that_goes_on_failing_has_failed_for_good(tmp_path: Path) -> None:
    reply = Executor().do(job(tmp_path, "exit 7"))

    assert (reply.exit_status, reply.attempts) == (7, 3)
    assert reply.exceptions == ("sh ended with exit code 7.",)


@pytest.mark.parametrize(("retries", "attempts"), [(0, 1), (1, 2), (5, 6)])
def test_a_job_says_how_often_it_is_tried_again(tmp_path: Path, retries: int, attempts: int) -> None:
    assert Executor().do(job(tmp_path, "exit 7", retries=retries)).attempts == attempts


def test_the_pauses_between_tries_are_bounded(tmp_path: Path) -> None:
    waiting = Impatient()

    Executor().do(job(tmp_path, "exit 7", retries=7), waiting)

    assert waiting.waited == [1, 2, 4, 8, 16, 30, 30]


def test_a_program_that_is_missing_is_not_tried_again(tmp_path: Path) -> None:
    reply = Executor().do(job(tmp_path, "", program="mNothing"))

    assert (reply.exit_status, reply.attempts) == (127, 1)
    assert reply.exceptions == ("The program mNothing was not found on the executor.",)


def test_a_job_that_is_handed_back_meanwhile_is_not_tried_again(tmp_path: Path) -> None:
    waiting = Impatient()
    waiting.wait = lambda seconds: waiting.cancel()  # type: ignore[method-assign]
    executor = Executor()

    reply = executor.do(job(tmp_path, "exit 7"), waiting)

    assert reply.attempts == 1
    assert executor.events[-1]["handed_back"]


def test_earlier_deliveries_count_as_attempts_and_say_why_there_is_another(tmp_path: Path) -> None:
    executor = Executor()

    reply = executor.do(
        job(tmp_path, "true"), delivery_history=DeliveryHistory(lost=1, handed_back=1, why="me had to stop")
    )

    assert reply.attempts == 3
    assert (executor.events[0]["attempt"], executor.events[0]["why"]) == (3, "me had to stop")


def test_a_job_that_has_killed_three_executors_is_given_up_with_its_story(tmp_path: Path) -> None:
    history = [
        {"type": "job.r-1.started", "executor": name, "timestamp": f"2026-11-22T10:00:0{second}.000+00:00"}
        for second, name in enumerate(("anna", "bert", "carl"))
    ]
    executor = Executor(history=history)

    reply = executor.do(job(tmp_path, "touch ran"), delivery_history=DeliveryHistory(lost=3))

    assert (reply.exit_status, reply.attempts) == (1, 3)
    assert "anna at 2026-11-22T10:00:00.000+00:00, bert at" in reply.exceptions[0]
    assert not (tmp_path / "ran").exists()
    assert executor.kinds() == ["started", "finished"]


def test_each_try_tells_what_it_printed(tmp_path: Path) -> None:
    line = f"echo try; echo $(wc -l < tries) >&2; {FLAKY % 2}"
    (tmp_path / "tries").touch()

    body = Executor().do(job(tmp_path, line)).body("me")

    assert [(one["number"], one["exit_status"], one["stderr"]) for one in body["tries"]] == [
        (1, 1, "0\n"),
        (2, 1, "1\n"),
    ]
    assert (body["attempts"], body["stdout"], body["stderr"]) == (3, "try\n", "2\n")
    assert len({body["ended"], *(one["ended"] for one in body["tries"])}) == 3


def test_of_a_job_that_succeeded_less_of_the_end_is_sent(tmp_path: Path) -> None:
    reply = Executor().do(job(tmp_path, "seq 100000; seq 100000 >&2"))

    assert (len(reply.stdout), reply.stdout[-7:]) == (4096, "100000\n")
    assert (len(reply.stderr), reply.stderr[-7:]) == (4096, "100000\n")


def test_of_a_failed_job_64_kilobytes_of_each_stream_are_sent(tmp_path: Path) -> None:
    reply = Executor().do(job(tmp_path, "seq 100000; seq 100000 >&2; exit 1", retries=0))

    assert len(reply.stdout) == len(reply.stderr) == 64 * 1024


def test_a_hundred_tries_that_print_much_are_sent_with_the_ends_of_the_last_ones_in_full(tmp_path: Path) -> None:
    body = Executor().do(job(tmp_path, "seq 100000; seq 100000 >&2; exit 1", retries=99)).body("me")

    sizes = [len(one["stdout"]) for one in body["tries"]]
    assert (len(sizes), sizes[0], sizes[-1]) == (99, 4096, 64 * 1024)
    assert len(json.dumps(body)) < 2_500_000


def test_each_try_tells_when_it_was_where_and_what_it_used(tmp_path: Path) -> None:
    before = time.time()

    reply = Executor().do(job(tmp_path, FLAKY % 1))

    body = reply.body("me")
    for facts in (body["tries"][0]["facts"], body["facts"]):
        assert before - 1 <= facts["started"] <= facts["execution"]["began"] <= facts["ended"] <= time.time() + 1
        assert facts["execution"]["seconds"] <= facts["ended"] - facts["started"] + 0.002
        assert (facts["worker"], facts["slot"], facts["machine"]) == ("me", threading.current_thread().name, "i-1")
    assert body["tries"][0]["facts"]["ended"] <= body["facts"]["started"]


def test_the_tries_that_were_lost_with_their_executors_are_told(tmp_path: Path) -> None:
    lost = DeliveryHistory(lost=2, why="its executor was lost")

    body = Executor().do(job(tmp_path, "true"), delivery_history=lost).body("me")

    assert body["lost"] == ["its executor was lost"] * 2
    assert "lost" not in Executor().do(job(tmp_path, "true")).body("me")
