"""Blocking connections to the broker, with a timeout on every wait.

A URL may set its own timeouts, as pika reads them: amqp://HOST:5672/?heartbeat=5&stack_timeout=5.
"""

from __future__ import annotations

import logging
import ssl
from urllib.parse import urlencode

import pika
from pika.adapters.utils.connection_workflow import AMQPConnectorException
from pika.exceptions import AMQPConnectionError, AMQPError

from hfecs.messaging.url import AmqpUrl

FAULTS = (AMQPError, AMQPConnectorException, OSError)
"""Every error that a connection can end with: for pika, a broker that accepts it and stays silent is no AMQPError."""

HEARTBEAT_SECONDS = 30
"""A connection that has been silent for about this long is lost."""

TIMES = {
    "heartbeat": HEARTBEAT_SECONDS,
    "socket_timeout": 10.0,
    "stack_timeout": 20.0,
    "blocked_connection_timeout": 30.0,
}
"""Timeouts: silent; unreachable; no handshake; blocked."""


def timed(parameters: pika.ConnectionParameters | pika.URLParameters, url: str = "") -> pika.connection.Parameters:
    """The same with our timeouts, except for those set in the URL."""
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
    """A connection to the broker; raises one of FAULTS if it fails."""
    return pika.BlockingConnection(timed(pika.URLParameters(url), url))


def answers(url: str) -> bool:
    """Whether the broker lets this machine log in."""
    logging.getLogger("pika").setLevel(logging.CRITICAL)
    try:
        open_connection(url).close()
    except FAULTS:
        return False
    return True
