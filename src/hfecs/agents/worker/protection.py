"""Scale-in only hits idle executors: while this one has jobs, its task and its machine are protected.

Protection starts before a job does, and ends some seconds after the last one, so that a series of short jobs asks
once. A thread ends it, renews it before it expires, and asks again after a refusal.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from hfecs.agents.common.pauses import pause
from hfecs.agents.worker.protection_apis import EXPIRES_MINUTES, ProtectionApi

log = logging.getLogger(__name__)

IDLE_SECONDS = 5.0
"""Seconds without a job until the protection ends; docs/scaling.md depends on it."""

RENEWED_SECONDS = EXPIRES_MINUTES * 60 / 3

REFUSED_SECONDS = 10.0
"""Seconds until protection is requested again after a refusal."""

PATIENCE_SECONDS = 3.0
"""How long a job waits if ECS has one executor too many."""

LOOK_SECONDS = 1.0

BLOCKED = "DEPLOYMENT_BLOCKED"
"""ECS's reason if as many tasks as the service wants are protected already."""


class Protection:
    """Held by each job while it runs; does nothing without APIs."""

    def __init__(
        self,
        apis: Sequence[ProtectionApi],
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], object] = pause,
    ) -> None:
        self._apis = apis
        self._clock = clock
        self._pause = pause
        self._lock = threading.Lock()
        self._jobs = 0
        self._agreed: set[ProtectionApi] = set()
        self._refusals: dict[ProtectionApi, str] = {}
        self._ask_again = clock()
        # A machine is launched protected; unless a job comes soon, that must end.
        self._released = not apis
        self._let_go_at = clock() + IDLE_SECONDS

    def start(self) -> None:
        """Maintain the protection, in a daemon thread."""
        if self._apis:
            threading.Thread(target=self._run, name="protection", daemon=True).start()

    def _run(self) -> None:
        while True:
            self._pause(LOOK_SECONDS)
            self.look()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Protect the executor while a job runs; if that is refused the job still runs, and the log says so."""
        with self._lock:
            self._jobs += 1
            if len(self._agreed) < len(self._apis) and self._clock() >= self._ask_again:
                self._begin_patiently()
        try:
            yield
        finally:
            with self._lock:
                self._jobs -= 1
                self._let_go_at = self._clock() + IDLE_SECONDS

    def look(self) -> None:
        """End the protection of an idle executor, renew that of a busy one, ask again after a refusal."""
        with self._lock:
            if self._jobs and self._apis and self._clock() >= self._ask_again:
                self._agreed.clear()
                self._begin()
            elif not self._jobs and not self._released and self._clock() >= self._let_go_at:
                self._end()

    def _begin_patiently(self) -> None:
        """A task that ECS is about to stop, since fewer are wanted, is refused; until then its job does not start."""
        give_up = self._clock() + PATIENCE_SECONDS
        while BLOCKED in self._begin() and self._clock() < give_up:
            self._pause(LOOK_SECONDS)

    def _begin(self) -> list[str]:
        """Ask the APIs that have not agreed yet; returns the refusals."""
        self._released = False
        for api in self._apis:
            if api not in self._agreed and self._ask(api, enabled=True):
                self._agreed.add(api)
        all_agree = len(self._agreed) == len(self._apis)
        self._ask_again = self._clock() + (RENEWED_SECONDS if all_agree else REFUSED_SECONDS)
        return [] if all_agree else list(self._refusals.values())

    def _end(self) -> None:
        """End the protection; after a refusal, try again later."""
        answers = [self._ask(api, enabled=False) for api in self._apis]
        self._released = all(answers)
        self._agreed.clear()
        self._ask_again = self._clock()
        self._let_go_at = self._clock() + REFUSED_SECONDS

    def _ask(self, api: ProtectionApi, *, enabled: bool) -> bool:
        """Ask one API; a refusal is logged once, and so is its end."""
        reason = api.protect(enabled)
        if reason and reason != self._refusals.get(api):
            what = "protect this executor from" if enabled else "let this executor go at"
            log.warning("%s does not %s scale-in: %s", api.name, what, reason)
        elif not reason and self._refusals.get(api):
            log.info("%s agrees again", api.name)
        self._refusals[api] = reason
        return not reason
