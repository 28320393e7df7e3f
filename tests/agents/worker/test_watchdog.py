"""Answers that the broker owes, over a fake connection and a clock that the test sets."""

from __future__ import annotations

from functools import partial
from typing import Any, cast

import pytest
from pika import BasicProperties

from agents.worker.fakes import FakeChannel, FakeConnection
from hfecs.agents.worker.channels import Publisher, Queues
from hfecs.agents.worker.watchdog import Watchdog
from support import FakeClock


class Slow(FakeConnection):
    """A connection whose broker opens no channel."""

    def channel(self, on_open_callback: Any) -> None:
        pass


class Mute(FakeConnection):
    """A connection whose broker opens channels, and answers nothing on them."""

    def channel(self, on_open_callback: Any) -> None:
        channel = FakeChannel(self)
        channel.queue_declare = lambda *_, **__: None  # type: ignore[method-assign]
        self.channels.append(channel)
        on_open_callback(channel)


def owed(connection: FakeConnection, clock: FakeClock) -> Watchdog:
    return Watchdog(cast(Any, connection), within=60.0, clock=clock.now)


def after(seconds: float, connection: FakeConnection, clock: FakeClock) -> str:
    """Why the connection was given up by then."""
    clock.time += seconds
    connection.ioloop.run_timers()
    return connection.abandoned


@pytest.mark.parametrize("connection", [Slow(), Mute()])
def test_a_question_without_an_answer_ends_the_connection(connection: FakeConnection) -> None:
    clock = FakeClock()
    Queues(cast(Any, connection), owed(connection, clock)).ask("replies", print)

    assert after(59, connection, clock) == ""
    assert after(1, connection, clock) == "no answer for 60 seconds"


def test_a_reply_without_a_confirmation_ends_the_connection() -> None:
    connection, clock = FakeConnection(), FakeClock()
    publisher = Publisher(cast(Any, connection), owed(connection, clock))
    heard: list[bool] = []
    send = partial(publisher.publish, "replies", b"", BasicProperties(), heard.append)

    send()
    connection.channels[0].confirm(1)
    assert after(60, connection, clock) == ""

    send()
    assert after(60, connection, clock) == "no answer for 60 seconds"
    assert heard == [True]


def test_a_channel_for_replies_that_is_not_opened_ends_the_connection() -> None:
    connection, clock = Slow(), FakeClock()
    Publisher(cast(Any, connection), owed(connection, clock))

    assert after(60, connection, clock) == "no answer for 60 seconds"


def test_a_broker_that_says_that_it_takes_nothing_has_time() -> None:
    connection, clock = FakeConnection(), FakeClock()
    owed(connection, clock).expect("a confirmation")

    connection.blocked(connection, None)
    assert after(600, connection, clock) == ""
    connection.unblocked(connection, None)

    assert after(59, connection, clock) == ""
    assert after(1, connection, clock) == "no answer for 60 seconds"


def test_a_connection_that_is_closed_is_looked_at_no_more() -> None:
    connection, clock = FakeConnection(), FakeClock()
    owed(connection, clock).expect("a confirmation")

    connection.close()

    assert after(600, connection, clock) == ""
    assert connection.ioloop.timers == []
