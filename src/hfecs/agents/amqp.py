"""The broker as threads talk to it that wait for its answers: each of their waits ends.

An address may set its own times, as pika reads them: amqp://HOST:5672/?heartbeat=5&stack_timeout=5.
"""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pika
from pika.adapters.utils.connection_workflow import AMQPConnectorException
from pika.exceptions import AMQPError

FAULTS = (AMQPError, AMQPConnectorException, OSError)
"""All that a connection ends with: a broker that takes it and says nothing is no AMQPError to pika."""

TIMES = {"heartbeat": 30, "socket_timeout": 10.0, "stack_timeout": 20.0, "blocked_connection_timeout": 30.0}
"""Seconds until a broker counts as gone: silent; not there; not greeting; telling that it takes nothing."""


def timed(parameters: pika.ConnectionParameters | pika.URLParameters, url: str = "") -> pika.connection.Parameters:
    """The same with our times, apart from those that the address sets."""
    own = parse_qs(urlsplit(url).query)
    for name in TIMES.keys() - own.keys():
        setattr(parameters, name, TIMES[name])
    return parameters


def open_connection(url: str) -> pika.BlockingConnection:
    """A connection to the broker; one of FAULTS if there is none."""
    return pika.BlockingConnection(timed(pika.URLParameters(url), url))
