"""Drop a connection on which the broker has stopped responding.

Heartbeats detect a dead peer; this detects a live one that no longer answers. Otherwise an executor would hold its
jobs forever.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Hashable
from typing import Any

from hfecs.agents.worker.connection import WholeMessages

log = logging.getLogger(__name__)

ANSWER_SECONDS = 120.0
"""How long to wait for a response. Generous, because dropping the connection requeues all jobs in progress."""

LOOKS = 4
"""Checks per ANSWER_SECONDS."""


class Watchdog:
    """The answers pending on a connection, oldest first; a broker that says it is blocked owes none."""

    def __init__(
        self,
        connection: WholeMessages,
        within: float = ANSWER_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._connection = connection
        self._within = within
        self._clock = clock
        self._since: dict[Hashable, float] = {}
        self._blocked = False
        connection.add_on_connection_blocked_callback(self._block)
        connection.add_on_connection_unblocked_callback(self._unblock)
        self._look_later()

    def expect(self, what: Hashable) -> None:
        """Start to wait for an answer."""
        self._since[what] = self._clock()

    def came(self, what: Hashable) -> None:
        """The answer has come."""
        self._since.pop(what, None)

    def _look_later(self) -> None:
        self._connection.ioloop.call_later(self._within / LOOKS, self._look)

    def _look(self) -> None:
        if self._connection.is_closed:
            return
        oldest = next(iter(self._since.values()), None)
        if oldest is not None and not self._blocked and self._clock() - oldest >= self._within:
            self._connection.abandon(f"no answer for {self._within:g} seconds")
        else:
            self._look_later()

    def _block(self, *_: Any) -> None:
        log.warning("the broker accepts no messages at present")
        self._blocked = True

    def _unblock(self, *_: Any) -> None:
        log.info("the broker accepts messages again")
        self._blocked = False
        self._since = dict.fromkeys(self._since, self._clock())
