"""Scale-in only hits idle executors: while this one has jobs, its task and its machine are protected.

Protection starts before a job does, and ends some seconds after the last one, so that a series of short jobs asks
once. A thread ends it, renews it before it expires, and asks again after a refusal. Each API is asked by itself: one
that always refuses, as ECS may for tasks of daemon services, causes no calls to the other.
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
        self._ask_again: dict[ProtectionApi, float] = dict.fromkeys(apis, clock())
        # A machine is launched protected; unless a job comes soon, that must end.
        self._to_release = list(apis)
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
            if any(api not in self._agreed for api in self._due()):
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
            if self._jobs:
                self._begin(self._due())
            elif self._to_release and self._clock() >= self._let_go_at:
                self._end()

    def _due(self) -> list[ProtectionApi]:
        """Those to be asked now: never asked, refused some time ago, or soon to expire."""
        return [api for api in self._apis if self._clock() >= self._ask_again[api]]

    def _begin_patiently(self) -> None:
        """A task that ECS is about to stop, since fewer are wanted, is refused; until then its job does not start."""
        give_up = self._clock() + PATIENCE_SECONDS
        self._begin(self._due())
        while blocked := [api for api in self._apis if self._refusals.get(api) == BLOCKED]:
            if self._clock() >= give_up:
                return
            self._pause(LOOK_SECONDS)
            self._begin(blocked)

    def _begin(self, apis: Sequence[ProtectionApi]) -> None:
        """Ask these APIs, and note when to ask each of them again."""
        self._to_release = list(self._apis)
        for api in apis:
            agrees = self._ask(api, enabled=True)
            self._agreed = self._agreed | {api} if agrees else self._agreed - {api}
            self._ask_again[api] = self._clock() + (RENEWED_SECONDS if agrees else REFUSED_SECONDS)

    def _end(self) -> None:
        """End the protection; after a refusal, try again later."""
        self._to_release = [api for api in self._to_release if not self._ask(api, enabled=False)]
        self._agreed.clear()
        self._ask_again = dict.fromkeys(self._apis, self._clock())
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
