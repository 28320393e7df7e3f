"""The broker as threads talk to it that wait for its answers: each of their waits ends.

An address may set its own times, as pika reads them: amqp://HOST:5672/?heartbeat=5&stack_timeout=5.
"""

from __future__ import annotations

from urllib.parse import parse_qs, urlencode, urlsplit

import pika
from pika.adapters.utils.connection_workflow import AMQPConnectorException
from pika.exceptions import AMQPConnectionError, AMQPError

FAULTS = (AMQPError, AMQPConnectorException, OSError)
"""All that a connection ends with: a broker that takes it and says nothing is no AMQPError to pika."""

HEARTBEAT_SECONDS = 30
"""A connection that was silent for so long, and a little more, is lost."""

TIMES = {
    "heartbeat": HEARTBEAT_SECONDS,
    "socket_timeout": 10.0,
    "stack_timeout": 20.0,
    "blocked_connection_timeout": 30.0,
}
"""Seconds until a broker counts as gone: silent; not there; not greeting; telling that it takes nothing."""


def timed(parameters: pika.ConnectionParameters | pika.URLParameters, url: str = "") -> pika.connection.Parameters:
    """The same with our times, apart from those that the address sets."""
    for name in TIMES.keys() - parse_qs(urlsplit(url).query).keys():
        setattr(parameters, name, TIMES[name])
    return parameters


def at_times(query: str) -> pika.connection.Parameters:
    """Parameters with the times that an address's query sets, and else ours; one of FAULTS if they are none."""
    own = {name: told[-1] for name, told in parse_qs(query).items() if name in TIMES}
    url = f"amqp://broker/?{urlencode(own)}"
    try:
        return timed(pika.URLParameters(url), url)
    except ValueError as error:
        raise AMQPConnectionError(f"the broker's address sets a time that is none: {error}") from None


def open_connection(url: str) -> pika.BlockingConnection:
    """A connection to the broker; one of FAULTS if there is none."""
    return pika.BlockingConnection(timed(pika.URLParameters(url), url))
