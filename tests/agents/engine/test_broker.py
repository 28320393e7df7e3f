"""The engine's side at a broker that does not do its part."""

from __future__ import annotations

import socket

import pytest

from hfecs.agents.engine.broker import Broker
from hfecs.errors import TimedOut
from mute import mute_broker


def test_a_broker_that_takes_the_connection_and_says_nothing_is_given_up_in_time() -> None:
    with mute_broker() as port:
        broker = Broker(f"amqp://127.0.0.1:{port}", pause=lambda _: None)

        with pytest.raises(TimedOut, match=f"The broker at amqp://127.0.0.1:{port} does not answer"):
            broker.declare("jobs", within=0.2)


def test_what_the_last_visit_met_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]

    with pytest.raises(TimedOut, match="refused"):
        Broker(f"amqp://127.0.0.1:{port}", pause=lambda _: None).declare("jobs", within=0.05)


def test_it_is_visited_again_until_then() -> None:
    pauses: list[float] = []

    with mute_broker() as port:
        broker = Broker(f"amqp://127.0.0.1:{port}?stack_timeout=0.05", pause=pauses.append)
        with pytest.raises(TimedOut):
            broker.publish("engine", "workflow.one.finished", within=0.5)

    assert len(pauses) >= 2
