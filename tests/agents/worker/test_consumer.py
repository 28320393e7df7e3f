"""Taking jobs, doing them, and giving them back."""

from __future__ import annotations

import json
import threading
from typing import Any, cast

import pytest

from agents.worker.fakes import SECONDS, FakeChannel, FakeConnection, FakeLoop
from hfecs.agents.worker.cancellation import Cancellation
from hfecs.agents.worker.connection import Connection
from hfecs.agents.worker.consumer import Consumer
from hfecs.agents.worker.delivery import DeliveryHistory
from hfecs.agents.worker.event_publisher import EventPublisher
from hfecs.agents.worker.job import Job
from hfecs.agents.worker.reply import Reply
from hfecs.agents.worker.settings import Settings

JOB = json.dumps({"executable": "true", "options": {"storage": "local", "workdir": "/"}}).encode()


class Work:
    """What the executor would do: ends when the test says so, or when it is cancelled."""

    def __init__(self) -> None:
        self.may_end = threading.Event()
        self.may_end.set()
        self.reply = Reply(0)
        self.done: list[Job] = []
        self.pasts: list[DeliveryHistory] = []
        self.cancellations: list[Cancellation] = []
        self.fault: Exception | None = None

    def perform(self, job: Job, delivery_history: DeliveryHistory, cancellation: Cancellation) -> Reply:
        self.pasts.append(delivery_history)
        self.cancellations.append(cancellation)
        self.may_end.wait(SECONDS)
        self.done.append(job)
        if self.fault:
            raise self.fault
        return self.reply


class Broker:
    """A consumer at work over a fake connection."""

    def __init__(self, work: Work) -> None:
        self.loop = FakeLoop()
        settings = Settings("amqp://localhost", "hyperflow.jobs", "s3", threads=2, stop_timeout=25.0, name="me")
        events = EventPublisher(cast(Connection, self.loop))
        self.consumer = Consumer(settings, cast(Connection, self.loop), work.perform, events)
        self.connect()
        self.loop.next_call()

    def connect(self, connection: FakeConnection | None = None) -> None:
        self.connection = connection or FakeConnection()
        self.consumer.opened(cast(Any, self.connection))

    @property
    def replies(self) -> FakeChannel:
        return self.connection.channels[0]

    @property
    def jobs(self) -> FakeChannel:
        return self.connection.channels[1]

    def answers(self) -> list[Any]:
        return [json.loads(body) for _, queue, body in self.replies.published if queue == "replies"]

    def copies(self) -> list[tuple[bytes, dict[str, Any]]]:
        """The copies of jobs at the end of the queue, with their headers."""
        sent = zip(self.replies.published, self.replies.headers, strict=True)
        return [(body, headers) for (_, queue, body), headers in sent if queue == "hyperflow.jobs"]


@pytest.fixture
def work() -> Work:
    return Work()


@pytest.fixture
def broker(work: Work) -> Broker:
    return Broker(work)


def test_as_many_jobs_are_taken_as_there_are_slots(broker: Broker) -> None:
    assert broker.jobs.prefetch == 2
    assert broker.jobs.declared == ["hyperflow.events", "hyperflow.jobs"]


def test_a_job_is_acknowledged_only_after_the_broker_has_its_reply(broker: Broker) -> None:
    broker.jobs.deliver(7, JOB)
    broker.loop.next_call()
    before = list(broker.jobs.settled)

    broker.replies.confirm(1)

    assert broker.answers()[0]["exit_status"] == 0
    assert (before, broker.jobs.settled) == ([], [("ack", 7)])


def test_a_job_whose_reply_the_broker_refuses_is_handed_back(broker: Broker) -> None:
    broker.jobs.deliver(7, JOB)
    broker.loop.next_call()

    broker.replies.confirm(1, taken=False)

    assert broker.jobs.settled == [("requeue", 7)]


def test_a_job_whose_engine_is_gone_is_dropped_without_work(broker: Broker, work: Work) -> None:
    broker.jobs.deliver(7, JOB, reply_to="replies-of-the-gone")

    assert broker.jobs.settled == [("ack", 7)]
    assert not work.done


def test_a_message_that_is_no_job_is_answered_with_a_sentence(broker: Broker) -> None:
    broker.jobs.deliver(7, b"[]")
    broker.replies.confirm(1)

    (answer,) = broker.answers()
    assert answer["exit_status"] == 1
    assert answer["exceptions"] == ["The message is not a job: it is not a JSON object."]
    assert broker.jobs.settled == [("ack", 7)]


def test_a_message_without_an_address_for_the_reply_is_dropped(broker: Broker, work: Work) -> None:
    broker.jobs.deliver(7, JOB, reply_to=None)

    assert broker.jobs.settled == [("ack", 7)]
    assert not work.done


def test_a_fault_of_the_executor_fails_the_job_and_not_the_executor(broker: Broker, work: Work) -> None:
    work.fault = ZeroDivisionError("a bug")

    broker.jobs.deliver(7, JOB)
    broker.loop.next_call()

    assert "ZeroDivisionError('a bug')" in broker.answers()[0]["exceptions"][0]


def test_told_to_stop_it_takes_no_more_and_leaves_when_its_jobs_are_done(broker: Broker, work: Work) -> None:
    work.may_end.clear()
    broker.jobs.deliver(7, JOB)

    broker.consumer.stop()
    broker.jobs.deliver(8, JOB)
    broker.replies.confirm(1)
    closed_before = broker.loop.closed
    work.may_end.set()
    broker.loop.next_call()
    broker.replies.confirm(2)

    assert broker.jobs.cancelled
    assert [headers["hfecs-handed-back"] for _, headers in broker.copies()] == [1]
    assert broker.jobs.settled == [("ack", 8), ("ack", 7)]
    assert (closed_before, broker.loop.closed) == (False, True)


def test_jobs_that_last_longer_than_the_stop_timeout_are_handed_back(broker: Broker, work: Work) -> None:
    work.may_end.clear()
    broker.jobs.deliver(7, JOB)

    broker.consumer.stop()
    (timer,) = [seconds for seconds, _ in broker.loop.timers if seconds == 25.0]
    broker.loop.run_timers()
    broker.replies.confirm(1)

    assert timer
    told = {"hfecs-lost": 0, "hfecs-handed-back": 1, "hfecs-why": "me had to stop and returned it"}
    assert broker.copies() == [(JOB, told)]
    assert broker.jobs.settled == [("ack", 7)]
    assert broker.loop.closed
    work.may_end.set()


def test_told_twice_to_stop_it_hands_its_jobs_back_at_once(broker: Broker, work: Work) -> None:
    work.may_end.clear()
    broker.jobs.deliver(7, JOB)

    broker.consumer.stop()
    broker.consumer.stop()
    assert 3.0 in [seconds for seconds, _ in broker.loop.timers]
    broker.replies.confirm(1)

    assert broker.jobs.settled == [("ack", 7)]
    work.may_end.set()
    broker.loop.next_call()
    assert broker.answers() == []
    assert all(cancellation.is_set() for cancellation in work.cancellations)


def test_told_to_stop_without_work_it_leaves_and_says_so(broker: Broker) -> None:
    broker.consumer.stop()

    kinds = [key for exchange, key, _ in broker.jobs.published if exchange == "hyperflow.events"]
    assert kinds == ["executor.ready", "executor.stopped"]
    assert broker.loop.closed


def test_the_work_in_hand_is_dropped_with_the_connection(broker: Broker, work: Work) -> None:
    work.may_end.clear()
    broker.jobs.deliver(7, JOB)

    broker.consumer.lost()
    work.may_end.set()
    broker.loop.next_call()

    assert all(cancellation.is_set() for cancellation in work.cancellations)
    assert broker.answers() == []


def test_a_stopping_executor_that_loses_the_broker_ends(broker: Broker, work: Work) -> None:
    work.may_end.clear()
    broker.jobs.deliver(7, JOB)
    broker.consumer.stop()

    broker.consumer.lost()

    assert broker.loop.closed
    work.may_end.set()


def test_a_job_that_cannot_be_handed_back_as_a_copy_is_put_back_itself(broker: Broker, work: Work) -> None:
    work.may_end.clear()
    broker.jobs.deliver(7, JOB)

    broker.consumer.stop()
    broker.consumer.stop()
    broker.replies.confirm(1, taken=False)

    assert broker.jobs.settled == [("requeue", 7)]
    work.may_end.set()


def test_a_job_whose_reply_is_on_its_way_is_not_handed_back(broker: Broker) -> None:
    broker.jobs.deliver(7, JOB)
    broker.loop.next_call()

    broker.consumer.stop()
    broker.consumer.stop()
    broker.replies.confirm(1)

    assert broker.copies() == []
    assert broker.jobs.settled == [("ack", 7)]


def test_a_job_that_was_lost_counts_it_in_a_copy_that_takes_its_place(broker: Broker, work: Work) -> None:
    broker.jobs.deliver(7, JOB, again=True, headers={"hfecs-lost": 1, "own": "kept"})
    before = list(broker.jobs.settled)

    broker.replies.confirm(1)

    ((body, headers),) = broker.copies()
    assert (body, headers["hfecs-lost"], headers["own"]) == (JOB, 2, "kept")
    assert (before, broker.jobs.settled) == ([], [("ack", 7)])
    assert not work.done


def test_the_copy_of_a_lost_job_is_done_with_its_past(broker: Broker, work: Work) -> None:
    broker.jobs.deliver(7, JOB, headers={"hfecs-lost": 2, "hfecs-handed-back": 1, "hfecs-why": "because"})
    broker.loop.next_call()

    assert work.pasts == [DeliveryHistory(lost=2, handed_back=1, why="because")]


@pytest.mark.parametrize("nonsense", [-1, "many", True, None, 1.5])
def test_headers_that_make_no_sense_count_as_nothing(broker: Broker, work: Work, nonsense: object) -> None:
    broker.jobs.deliver(7, JOB, headers={"hfecs-lost": nonsense, "hfecs-handed-back": nonsense, "hfecs-why": 3})
    broker.loop.next_call()

    assert work.pasts == [DeliveryHistory()]


def test_a_job_that_comes_back_after_the_connection_was_lost_has_killed_nobody(broker: Broker, work: Work) -> None:
    work.may_end.clear()
    broker.jobs.deliver(7, JOB)
    broker.consumer.lost()
    work.may_end.set()
    broker.loop.next_call()

    broker.connect()
    broker.jobs.deliver(7, JOB, again=True)
    broker.loop.next_call()

    assert broker.copies() == []
    assert work.pasts[1] == DeliveryHistory(handed_back=1, why="the connection to the broker was lost")


def test_a_message_whose_reply_queue_has_no_name_in_utf_8_is_dropped(broker: Broker) -> None:
    broker.jobs.deliver(1, JOB, reply_to=cast(str, b"\xff"))

    assert broker.jobs.settled == [("ack", 1)]


def test_a_queue_that_exists_is_taken_as_it_is(broker: Broker) -> None:
    broker.connect(FakeConnection(queues={"replies", "hyperflow.jobs"}))

    assert broker.jobs.declared == ["hyperflow.events"]
    assert broker.jobs.prefetch == 2


def test_an_executor_whose_queue_was_deleted_comes_back_and_makes_it_again(broker: Broker) -> None:
    broker.jobs.on_cancel(None)

    assert not broker.connection.is_open


def test_an_executor_that_cannot_hand_back_what_it_has_leaves_all_the_same(broker: Broker, work: Work) -> None:
    work.may_end.clear()
    broker.jobs.deliver(7, JOB)
    broker.consumer.stop()
    before = broker.loop.closed

    broker.loop.run_timers()  # hands back
    broker.loop.run_timers()  # waits no longer for the broker

    work.may_end.set()
    assert (before, broker.loop.closed) == (False, True)
    assert broker.jobs.settled == []
