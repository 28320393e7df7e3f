"""The connection to the broker, as far as it goes without one."""

from __future__ import annotations

from typing import Any

import pytest
from pika.adapters.select_connection import IOLoop, SelectConnection

from hfecs.agents.worker.connection import Connection, WholeMessages


def test_the_frames_of_a_message_are_handed_to_pika_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    handed: list[Any] = []
    monkeypatch.setattr(SelectConnection, "_output_marshaled_frames", lambda _, frames: handed.append(frames))

    WholeMessages._output_marshaled_frames(object.__new__(WholeMessages), [b"method", b"header", b"body"])

    assert handed == [[b"methodheaderbody"]]


def test_work_of_other_threads_is_done_by_the_loop_and_an_end_without_a_broker_ends_it() -> None:
    connection = Connection("amqp://127.0.0.1:1")
    done: list[str] = []

    class Nobody:
        """A user that never gets a connection."""

        def opened(self, _: SelectConnection) -> None:
            done.append("opened")

        def lost(self) -> None:
            done.append("lost")

    connection.call(lambda: done.append("called"))
    connection.call(connection.close)
    connection.run(Nobody())

    assert done == ["called"]
    assert isinstance(connection.loop, IOLoop)
