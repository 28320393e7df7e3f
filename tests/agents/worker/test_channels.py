"""Confirmed replies, and the question whether a reply queue exists."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, cast

from agents.worker.fakes import FakeChannel, FakeConnection
from hfecs.agents.worker.channels import Publisher, Queues
from hfecs.agents.worker.watchdog import Watchdog


class Clock:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class SlowConnection(FakeConnection):
    """A connection that opens a channel when the test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting: list[Callable[[FakeChannel], None]] = []

    def channel(self, on_open_callback: Callable[[FakeChannel], None]) -> None:
        self.waiting.append(on_open_callback)

    def open_next(self) -> None:
        super().channel(self.waiting.pop())


def test_one_confirmation_may_stand_for_several_replies() -> None:
    connection = FakeConnection()
    publisher = Publisher(cast(Any, connection), Watchdog(cast(Any, connection)))
    heard: list[tuple[int, bool]] = []

    def note(number: int, taken: bool) -> None:
        heard.append((number, taken))

    for number in (1, 2, 3):
        publisher.reply("replies", f"id-{number}", {}, partial(note, number))

    connection.channels[0].confirm(2, multiple=True)
    connection.channels[0].confirm(3, taken=False)

    assert heard == [(1, True), (2, True), (3, False)]


def test_the_broker_is_asked_for_a_queue_once_a_second() -> None:
    connection, clock = FakeConnection(), Clock()
    queues = Queues(cast(Any, connection), Watchdog(cast(Any, connection)), clock)
    heard: list[bool] = []

    for later in (0.0, 0.9, 0.2, 0.1, 0.8, 0.2, 0.1):
        clock.now += later
        queues.ask("replies", heard.append)

    assert heard == [True] * 7
    assert len(connection.channels) == 3


def test_a_queue_that_does_not_exist_is_told_as_gone() -> None:
    connection = FakeConnection()
    queues = Queues(cast(Any, connection), Watchdog(cast(Any, connection)))
    heard: list[bool] = []

    queues.ask("gone", heard.append)

    assert heard == [False]


def test_questions_that_wait_for_the_same_answer_are_asked_once() -> None:
    connection = SlowConnection()
    queues = Queues(cast(Any, connection), Watchdog(cast(Any, connection)))
    heard: list[bool] = []

    queues.ask("replies", heard.append)
    queues.ask("replies", heard.append)
    connection.open_next()

    assert not connection.waiting
    assert heard == [True, True]
