"""Answers that the broker owes to the executor: a connection on which one is overdue is given up, and made anew.

A broker that dies closes its connections, and heartbeats tell of one that is silent. This is for the one that lives and
does not answer: without it an executor would hold its jobs for ever.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Hashable
from typing import Any

from hfecs.agents.worker.connection import WholeMessages

log = logging.getLogger(__name__)

ANSWER_SECONDS = 120.0
"""Long: the jobs in hand are lost with the connection."""

LOOKS = 4
"""In that time."""


class Watchdog:
    """What is waited for on one connection, the oldest first; a broker that says that it takes nothing owes nothing."""

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
        """Wait for an answer from now on."""
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
        log.warning("the broker takes no messages at present")
        self._blocked = True

    def _unblock(self, *_: Any) -> None:
        log.info("the broker takes messages again")
        self._blocked = False
        self._since = dict.fromkeys(self._since, self._clock())
