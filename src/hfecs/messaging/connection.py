"""The broker as threads talk to it that wait for its answers: each of their waits ends.

An address may set its own times, as pika reads them: amqp://HOST:5672/?heartbeat=5&stack_timeout=5.
"""

from __future__ import annotations

import ssl
from urllib.parse import urlencode

import pika
from pika.adapters.utils.connection_workflow import AMQPConnectorException
from pika.exceptions import AMQPConnectionError, AMQPError

from hfecs.messaging.url import AmqpUrl

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
    for name in TIMES.keys() - AmqpUrl.parse(url).options.keys():
        setattr(parameters, name, TIMES[name])
    return parameters


def parameters_of(url: AmqpUrl) -> pika.connection.Parameters:
    """The URL for pika, with the timeouts it sets itself and no other option; one of FAULTS if one is not valid."""
    times = {name: value for name, value in url.options.items() if name in TIMES}
    with_times = f"amqp://broker/?{urlencode(times)}"
    try:
        result = timed(pika.URLParameters(with_times), with_times)
    except ValueError as error:
        raise AMQPConnectionError(f"the broker's address sets a time that is none: {error}") from None
    result.host, result.port, result.virtual_host = url.host, url.port, url.virtual_host
    result.credentials = pika.PlainCredentials(*url.login)
    if url.tls:
        result.ssl_options = pika.SSLOptions(ssl.create_default_context(), url.host)
    return result


def open_connection(url: str) -> pika.BlockingConnection:
    """A connection to the broker; one of FAULTS if there is none."""
    return pika.BlockingConnection(timed(pika.URLParameters(url), url))
