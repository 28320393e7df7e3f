"""Whatever arrives on the queue of jobs: the executor answers it in a sentence, and lives."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st
from pika.data import encode_short_string, encode_table

from agents.worker import doing
from agents.worker.fakes import FakeChannel, FakeConnection, FakeLoop
from hfecs.agents.common.line_protocol import Point, line
from hfecs.agents.worker.cancellation import Cancellation
from hfecs.agents.worker.connection import Connection
from hfecs.agents.worker.consumer import Consumer
from hfecs.agents.worker.delivery import HANDED_BACK, LOST, WHY, DeliveryHistory
from hfecs.agents.worker.event_publisher import EventPublisher
from hfecs.agents.worker.events import JobMetrics
from hfecs.agents.worker.job import Job, parse
from hfecs.agents.worker.reply import Reply
from hfecs.agents.worker.settings import Settings
from hfecs.errors import WorkflowInvalid
from properties.broken import TEXTS, each_fault, files, written

MESSAGE = {
    "id": "run-1",
    "name": "copy",
    "run": "run",
    "executable": "true",
    "args": ["-X", 3, "$a_size", "b"],
    "env": {"SIZE": "$a_size", "N": 1},
    "inputs": [{"name": "a", "_id": 1, "size": 2}, {"name": "tiles", "files": "c:d"}],
    "outputs": [{"name": "b", "control": "next"}],
    "stdout": "log/out.txt",
    "stderr": "log/err.txt",
    "options": {"storage": "nfs", "workdir": "shared", "timeout": 60, "container": None, "wfid": "run"},
}


def parsed(body: bytes) -> Job | WorkflowInvalid:
    try:
        return parse(body, "s3", "/nfs")
    except WorkflowInvalid as error:
        return error


@given(files(MESSAGE))
def test_a_message_is_a_job_that_can_be_told_about_or_refused_in_a_sentence(body: bytes) -> None:
    check(body)


def test_a_message_with_any_one_fault_is_a_job_or_refused_in_a_sentence() -> None:
    for document in each_fault(MESSAGE):
        check(written(document).encode())


def check(body: bytes) -> None:
    job = parsed(body)

    if isinstance(job, WorkflowInvalid):
        assert job.message.startswith(("The message", "The job", "The file"))
        assert len(job.message) < 1000
    else:
        encode_short_string([], f"job.{job.id}.execution.finished")
        for word in (job.executable, *job.args, *job.env.values(), *job.results, *job.inputs):
            assert b"\0" not in os.fsencode(word)


@given(files(MESSAGE))
def test_the_stages_of_a_job_end_in_a_reply_whatever_it_says(body: bytes) -> None:
    job = parsed(body)
    if isinstance(job, WorkflowInvalid):
        return
    told: list[dict[str, Any]] = []
    points: list[Point] = []
    metrics = JobMetrics(lambda *more: points.extend(more))

    with TemporaryDirectory() as directory:
        reply = _performed(job, Path(directory), told)

    assert reply.exit_status == 0 or reply.exceptions
    assert json.dumps(reply.body("me"))
    for event in told:
        metrics.take(event)
    assert all("\n" not in line(point).partition(" ")[0] for point in points)


def _performed(job: Job, directory: Path, told: list[dict[str, Any]]) -> Reply:
    """Do the job below a directory, with a program that does nothing, and keep its events."""
    options = replace(job.options, storage="nfs", workdir=str(directory), container="")
    executor = doing.Executor()
    reply = executor.do(replace(job, executable="true", options=options))
    told += executor.events
    return reply


class Executor:
    """A consumer over a fake connection, whose jobs end at once."""

    def __init__(self) -> None:
        self.loop, self.connection = FakeLoop(), FakeConnection()
        settings = Settings("amqp://localhost", "hyperflow.jobs", "s3", 1, 25.0, "me", "/nfs")
        self.events = EventPublisher(cast(Connection, self.loop))
        self.consumer = Consumer(settings, cast(Connection, self.loop), self._perform, self.events)
        self.consumer.opened(cast(Any, self.connection))
        self.loop.next_call()

    def _perform(self, job: Job, delivery_history: DeliveryHistory, _: Cancellation) -> Reply:
        assert delivery_history.attempts >= 0
        for step in ("started", "execution.finished"):
            self.events.put({"type": f"job.{job.id}.{step}", "name": job.name, "run": job.run})
        return Reply(0)

    @property
    def jobs(self) -> FakeChannel:
        return self.connection.channels[1]


reply_queues = st.sampled_from(["replies", "replies", "gone", "", *TEXTS]) | st.binary(min_size=1, max_size=4)
# What AMQP's tables can hold.
header_values = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(), st.binary(max_size=3)
)
headers = st.none() | st.dictionaries(
    st.sampled_from([LOST, HANDED_BACK, WHY, "x"]), header_values | st.text(max_size=3)
)


@given(files(MESSAGE), reply_queues, headers, st.booleans())
def test_a_message_is_answered_or_dropped_and_never_ends_the_executor(
    body: bytes, reply_to: Any, headers: dict[str, Any] | None, again: bool
) -> None:
    executor = Executor()

    executor.jobs.deliver(1, body, reply_to=reply_to, headers=headers, again=again)
    while executor.consumer.working:
        executor.loop.next_call()
    executor.events.flush()

    for _, key, _ in executor.jobs.published:
        encode_short_string([], key)
    sent = executor.connection.channels[0]
    assert [queue for _, queue, _ in sent.published] == ["hyperflow.jobs" if again else "replies"] * (
        reply_to == "replies"
    )
    for copied in sent.headers:
        encode_table([], copied)
    assert executor.jobs.settled == ([] if sent.published else [("ack", 1)])
