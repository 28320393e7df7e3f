"""The engine's side listens at the real broker to what becomes of jobs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from queue import Empty, SimpleQueue
from typing import Any

import pika
import pytest
from pika.adapters.blocking_connection import BlockingChannel

from end_to_end.broker import PrivateBroker, private_broker
from end_to_end.proxy import proxy
from end_to_end.sites import SECONDS, eventually
from hfecs.agents.engine.broker import Broker, JobListener
from hfecs.messaging import messages

pytestmark = pytest.mark.end_to_end

QUEUE = "listened-to"


class Ears:
    """What was heard, and the last number of executors."""

    def __init__(self) -> None:
        self.heard: SimpleQueue[dict[str, Any]] = SimpleQueue()
        self.executors = -1

    def count(self, executors: int) -> None:
        self.executors = executors

    def next(self) -> str:
        """The type of the next event."""
        return str(self.heard.get(timeout=SECONDS)["type"])

    def listen(self, url: str, silence: float = 30.0) -> JobListener:
        """Listen there, from now on."""
        listener = JobListener(url, QUEUE, self.heard.put, self.count, silence)
        listener.start()
        assert listener.listening.wait(SECONDS)
        return listener


@pytest.fixture
def ears() -> Ears:
    return Ears()


@pytest.fixture
def channel(rabbitmq: PrivateBroker) -> Iterator[BlockingChannel]:
    """A channel to a broker with the exchange and the queue of jobs."""
    Broker(rabbitmq.url).declare(QUEUE, within=SECONDS)
    with pika.BlockingConnection(pika.URLParameters(rabbitmq.url)) as connection:
        yield connection.channel()


def tell(url: str, *kinds: str) -> None:
    """Publish events, each confirmed."""
    for kind in kinds:
        Broker(url).publish("an executor", kind, within=SECONDS, id="one-1", run="one")


def test_begin_and_end_of_each_job_are_heard_and_nothing_else(rabbitmq: PrivateBroker, ears: Ears) -> None:
    Broker(rabbitmq.url).declare(QUEUE, within=SECONDS)
    ears.listen(rabbitmq.url)

    tell(rabbitmq.url, "job.one-1.started", "job.one-1.execution.started", "workflow.one.started", "job.one-1.finished")

    assert [ears.next(), ears.next()] == ["job.one-1.started", "job.one-1.finished"]
    with pytest.raises(Empty):
        ears.heard.get_nowait()


def test_executors_are_counted_as_they_come_and_go(
    rabbitmq: PrivateBroker, channel: BlockingChannel, ears: Ears
) -> None:
    ears.listen(rabbitmq.url)
    eventually(lambda: ears.executors == 0)

    tag = channel.basic_consume(QUEUE, lambda *_: None)
    eventually(lambda: ears.executors == 1)
    channel.basic_cancel(tag)

    eventually(lambda: ears.executors == 0)


def test_a_body_that_is_no_event_does_not_end_the_listening(
    rabbitmq: PrivateBroker, channel: BlockingChannel, ears: Ears
) -> None:
    ears.listen(rabbitmq.url)

    for body in (b"{", b"[]", json.dumps({"type": 1}).encode()):
        channel.basic_publish(messages.EVENTS_EXCHANGE, "job.one-1.started", body)
    tell(rabbitmq.url, "job.one-1.finished")

    assert ears.next() == "job.one-1.finished"


def test_a_network_that_falls_silent_is_left_and_jobs_are_heard_of_again(rabbitmq: PrivateBroker, ears: Ears) -> None:
    Broker(rabbitmq.url).declare(QUEUE, within=SECONDS)
    with proxy(rabbitmq.url) as network:
        listener = ears.listen(network.url, silence=3.0)
        listener.listening.clear()
        network.fall_silent()
        assert listener.listening.wait(SECONDS)

        tell(rabbitmq.url, "job.one-1.started")

        assert ears.next() == "job.one-1.started"


def test_a_broker_that_restarts_is_listened_to_again(ears: Ears) -> None:
    with private_broker() as broker:
        Broker(broker.url).declare(QUEUE, within=SECONDS)
        ears.listen(broker.url)
        tell(broker.url, "job.one-1.started")
        before = ears.next()

        broker.kill()
        broker.start()

        def is_heard() -> bool:
            """A broker that is starting may take a connection and lose it again: what is told then is lost."""
            tell(broker.url, "job.one-1.finished")
            return not ears.heard.empty()

        eventually(is_heard)
        assert (before, ears.next()) == ("job.one-1.started", "job.one-1.finished")
