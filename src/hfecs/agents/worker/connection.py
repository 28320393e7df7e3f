"""The executor's connection to the broker: waits for it, and reconnects forever."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Protocol

import pika
from pika.adapters.base_connection import BaseConnection
from pika.adapters.select_connection import IOLoop, SelectConnection
from pika.exceptions import AMQPHeartbeatTimeout

from hfecs.backoff import Backoff
from hfecs.messaging.connection import HEARTBEAT_SECONDS
from hfecs.messaging.url import AmqpUrl

log = logging.getLogger(__name__)

FIRST_PAUSE_SECONDS = 0.25
LAST_PAUSE_SECONDS = 10.0
BOOTING_PAUSE_SECONDS = 0.5
"""Between attempts at a broker that has never answered: it is booting, and jobs wait for it."""

BOOTING_ATTEMPTS_TOLD = 60
"""Of the attempts at a broker that is booting, the first is logged, and then each of this many."""

CLOSING_SECONDS = 4.0
"""How long the broker may take to confirm a close."""


class User(Protocol):
    """Whoever uses the connection, on its thread."""

    def opened(self, connection: WholeMessages) -> None:
        """The connection is open."""

    def lost(self) -> None:
        """The connection is lost, with all channels and deliveries."""


class WholeMessages(SelectConnection):
    """Sends a message's three frames at once: pika's separate sends take a sixth of a short job's time."""

    def _output_marshaled_frames(self, marshaled_frames: Sequence[bytes]) -> None:
        super()._output_marshaled_frames([b"".join(marshaled_frames)])  # type: ignore[misc]

    def close(self, reply_code: int = 200, reply_text: str = "Normal shutdown") -> None:
        """Close it, with the broker's confirmation if that comes soon."""
        super().close(reply_code, reply_text)
        self.ioloop.call_later(CLOSING_SECONDS, self._end)

    def _end(self) -> None:
        if not self.is_closed:
            self.abandon("no answer to the farewell")

    def abandon(self, why: str) -> None:
        """Drop it without the broker, as pika does when heartbeats are missing."""
        self._terminate_stream(AMQPHeartbeatTimeout(why))  # type: ignore[attr-defined]


class Connection:
    """One connection at a time, reopened whenever it is lost; all its work is done in the thread of `run`."""

    def __init__(self, url: str) -> None:
        self.loop = IOLoop()
        self._parameters = pika.URLParameters(url)
        if "heartbeat" not in AmqpUrl.parse(url).options:
            self._parameters.heartbeat = HEARTBEAT_SECONDS
        self._url = AmqpUrl.parse(url).without_account()
        self._pauses = Backoff(FIRST_PAUSE_SECONDS, LAST_PAUSE_SECONDS)
        self._never_answered: int | None = 0
        self._current: WholeMessages | None = None
        self._user: User | None = None
        self._ending = False

    def run(self, user: User) -> None:
        """Connect, and work until `close` is called."""
        self._user = user
        self._connect()
        self.loop.start()

    def call(self, callback: Callable[[], None]) -> None:
        """Call a function in the connection's thread; may be called from any thread."""
        self.loop.add_callback_threadsafe(callback)

    def close(self) -> None:
        """Close the connection, and end `run`."""
        self._ending = True
        if self._current and self._current.is_open:
            self._current.close()
        else:
            self.loop.stop()

    def _connect(self) -> None:
        self._current = WholeMessages(
            self._parameters,
            on_open_callback=self._opened,
            on_open_error_callback=self._not_opened,
            on_close_callback=self._closed,
            custom_ioloop=self.loop,
        )

    def _opened(self, _: BaseConnection[IOLoop]) -> None:
        log.info("connected to the broker at %s", self._url)
        self._pauses.reset()
        self._never_answered = None
        if self._user and self._current:
            self._user.opened(self._current)

    def _not_opened(self, _: BaseConnection[IOLoop], error: str | BaseException) -> None:
        self._again(f"the broker at {self._url} does not answer", error)

    def _closed(self, _: BaseConnection[IOLoop], reason: BaseException) -> None:
        if self._user:
            self._user.lost()
        self._again(f"the connection to the broker at {self._url} is lost", reason)

    def _again(self, what: str, why: str | BaseException) -> None:
        self._current = None
        if self._ending:
            self.loop.stop()
            return
        self.loop.call_later(self._pause(f"{what} ({why or type(why).__name__})"), self._connect)

    def _pause(self, why: str) -> float:
        """Until the next attempt, in seconds; why there is one is logged, of a broker that is booting now and then."""
        if self._never_answered is None:
            pause = self._pauses.next()
            log.warning("%s, next attempt in %g seconds", why, pause)
            return pause
        if self._never_answered % BOOTING_ATTEMPTS_TOLD == 0:
            log.info("%s yet, trying again until it does", why)
        self._never_answered += 1
        return BOOTING_PAUSE_SECONDS
