"""Waiting: the only file that sleeps."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Protocol, TypeVar

from hfecs.aws.errors import ignoring
from hfecs.backoff import Backoff
from hfecs.errors import TimedOut

Result = TypeVar("Result")

QUIET_SECONDS = 5.0
FIRST_PAUSE = 0.2


class Clock(Protocol):
    """A source of time; tests have one that does not wait."""

    def now(self) -> float:
        """Monotonic seconds."""

    def sleep(self, seconds: float) -> None:
        """Let this much time pass."""


class RealClock:
    """This machine's clock."""

    def now(self) -> float:
        """Seconds of the monotonic clock."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Sleep."""
        time.sleep(seconds)


def _tell_nobody(_what: str, _seconds: float) -> None:
    """Report nothing about a wait."""


@dataclass(frozen=True)
class Wait:
    """Waits with a timeout; one longer than five seconds is reported to `tell`(what, seconds waited)."""

    clock: Clock = field(default_factory=RealClock)
    tell: Callable[[str, float], None] = _tell_nobody
    ends: float = math.inf

    def within(self, seconds: float) -> Wait:
        """The same waits, none of them beyond `seconds` from now."""
        return replace(self, ends=min(self.ends, self.clock.now() + seconds))

    def until(self, probe: Callable[[], Result | None], *, what: str, timeout: float, every: float = 2.0) -> Result:
        """Poll until the answer is truthy, and return it; TimedOut after `timeout` seconds.

        The pauses double from a fifth of a second up to `every` seconds, so short waits stay short.
        """
        start = told = self.clock.now()
        timeout = min(timeout, max(0.0, self.ends - start))
        pauses = Backoff(FIRST_PAUSE, every)
        while True:
            if answer := probe():
                return answer
            now = self.clock.now()
            if now - start >= timeout:
                raise TimedOut(
                    f"Gave up after waiting {timeout:.0f} seconds for {what}.", hint="run the same command again"
                )
            if now - told >= QUIET_SECONDS:
                told = now
                self.tell(what, now - start)
            self.clock.sleep(pauses.next())

    def pause(self, seconds: float) -> None:
        """Let some time pass before a retry."""
        self.clock.sleep(seconds)

    def out(
        self,
        codes: tuple[str, ...],
        call: Callable[[], Result],
        *,
        what: str,
        timeout: float = 120.0,
        every: float = 2.0,
    ) -> Result:
        """Repeat a call while AWS returns one of `codes` ("Code" or "Code: part of the message").

        The last error is raised unchanged after `timeout` seconds.
        """
        start = self.clock.now()
        answers: list[Result] = []

        def attempt() -> bool:
            if self.clock.now() - start >= timeout:
                answers.append(call())
            else:
                with ignoring(*codes):
                    answers.append(call())
            return bool(answers)

        self.until(attempt, what=what, timeout=timeout + every, every=every)
        return answers[0]
