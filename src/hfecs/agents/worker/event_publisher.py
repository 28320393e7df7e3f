"""Outgoing events: added by any thread, published by the connection's."""

from __future__ import annotations

import json
from collections import deque
from typing import Any

from pika import BasicProperties
from pika.channel import Channel

from hfecs.agents.worker.connection import Connection
from hfecs.messaging.messages import EVENTS_EXCHANGE

PROPERTIES = BasicProperties(content_type="application/json")

GATHERING_SECONDS = 0.02
"""How long to collect events: halves the broker's work for short jobs, too short for a follower to notice."""


class EventPublisher:
    """Publishes events without waiting for confirmations; events are dropped while the broker is unreachable."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._bodies: deque[dict[str, Any]] = deque()
        self._gathering = False
        self.channel: Channel | None = None

    def put(self, body: dict[str, Any]) -> None:
        """Publish an event soon; one wake-up of the connection's thread serves all waiting ones."""
        self._bodies.append(body)
        if not self._gathering:
            self._gathering = True
            self._connection.call(self._gather)

    def _gather(self) -> None:
        self._connection.loop.call_later(GATHERING_SECONDS, self.flush)

    def flush(self) -> None:
        """Publish the waiting events; to be called in the connection's thread."""
        self._gathering = False
        while self._bodies:
            body = self._bodies.popleft()
            if self.channel and self.channel.is_open:
                self.channel.basic_publish(EVENTS_EXCHANGE, body["type"], json.dumps(body).encode(), PROPERTIES)
