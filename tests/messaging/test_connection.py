"""Connections to the broker: their timeouts and their encryption."""

from __future__ import annotations

import pytest
from pika import PlainCredentials

from hfecs.messaging.connection import FAULTS, parameters_of
from hfecs.messaging.url import AmqpUrl


def test_the_timeouts_in_the_url_are_those_of_the_connection() -> None:
    url = AmqpUrl.parse("amqp://me:it%40s@stars.example:5673/sky?heartbeat=5&stack_timeout=7&name=other")

    parameters = parameters_of(url)

    assert (parameters.host, parameters.port, parameters.virtual_host) == ("stars.example", 5673, "sky")
    assert parameters.credentials == PlainCredentials("me", "it@s")
    assert (parameters.heartbeat, parameters.stack_timeout) == (5, 7)
    assert (parameters.socket_timeout, parameters.blocked_connection_timeout) == (10.0, 30.0)


def test_an_encrypted_connection_is_to_the_host_of_the_address() -> None:
    parameters = parameters_of(AmqpUrl.parse("amqps://stars.example?heartbeat=5"))

    assert parameters.port == 5671
    assert parameters.ssl_options
    assert parameters.ssl_options.server_hostname == "stars.example"


def test_a_timeout_that_is_not_a_number_is_a_fault_of_the_connection() -> None:
    with pytest.raises(FAULTS, match="heartbeat"):
        parameters_of(AmqpUrl.parse("amqp://stars.example?heartbeat=often"))
