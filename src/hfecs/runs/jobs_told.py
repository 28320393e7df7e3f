"""What the events of a run say about its jobs, in numbers and in a sentence; each event costs the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from hfecs.messaging import messages

STARTING, WAITING, RUNNING = "starting", "waiting", "running"
"""The phases of a run that is followed: no engine yet, no worker yet, jobs."""

EVERY_SECONDS = 30.0
"""Where lines are printed one below the other, at least so often."""


class JobsTold:
    """How many jobs of each program are done, and what is waited for; a job that runs twice counts once.

    A job is done when its outputs are stored: its program may have ended well before, and storing may fail.
    """

    def __init__(self, totals: Mapping[str, int], clock: Callable[[], float]) -> None:
        """`clock` has seconds."""
        self._totals = totals
        self._clock = clock
        self._since = clock()
        self._told_at = float("-inf")
        self._told_phase = ""
        self._before: Counter[str] = Counter()
        self._now: Counter[str] = Counter()
        self._finished: set[str] = set()
        self._failed: set[str] = set()
        self._running: set[str] = set()
        self.phase = STARTING

    @property
    def left(self) -> int:
        """How many jobs are not done."""
        return sum(self._totals.values()) - self.done

    @property
    def done(self) -> int:
        """How many jobs are done."""
        return self._before.total() + self._now.total()

    def heard(self, event: Mapping[str, Any]) -> dict[str, int]:
        """Take an event; the programs of which another number of jobs is done now, with that number."""
        kind = event.get("type", "")
        if kind.startswith("workflow."):
            return self._of_workflow(event)
        name = event.get("id", "")
        if kind == messages.job_event(name, "started"):
            self._enter(RUNNING)
            self._running.add(name)
        elif kind == messages.job_event(name, "finished"):
            return self._ended(name, event)
        return {}

    def _of_workflow(self, event: Mapping[str, Any]) -> dict[str, int]:
        result, done = event.get("result"), event.get("done")
        if isinstance(result, dict) and result.get("status") == "succeeded":
            # Those that ran while no engine was running were not told here.
            return dict(self._totals)
        if self.phase == STARTING:
            self._enter(WAITING)
        if not isinstance(done, dict):
            return {}
        self._before = Counter({program: count for program, count in done.items() if isinstance(count, int)})
        return {program: self._number(program) for program in self._before}

    def _ended(self, name: str, event: Mapping[str, Any]) -> dict[str, int]:
        self._running.discard(name)
        program = event.get("executable", "")
        if event.get("exit_status") != 0:
            if not event.get("handed_back"):
                self._failed.add(name)
            return {}
        self._failed.discard(name)
        if name in self._finished:
            return {}
        self._finished.add(name)
        self._now[program] += 1
        return {program: self._number(program)}

    def _number(self, program: str) -> int:
        return self._before[program] + self._now[program]

    def _enter(self, phase: str) -> None:
        if phase != self.phase:
            self.phase, self._since = phase, self._clock()

    def words(self) -> str:
        """What is waited for and since when, or how the jobs are doing."""
        waited = f"{self._clock() - self._since:.0f} s"
        if self.phase == STARTING:
            return f"waiting for the engine and the broker ({waited})"
        if self.phase == WAITING:
            return f"the engine is running; waiting for the first worker ({waited})"
        failed = f", {len(self._failed)} failed" if self._failed else ""
        return f"{self.done} of {sum(self._totals.values())} jobs done, {len(self._running)} running{failed}"

    def line(self) -> str | None:
        """The words, if the phase is another one or nothing was told for half a minute."""
        now = self._clock()
        if self.phase == self._told_phase and now - self._told_at < EVERY_SECONDS:
            return None
        self._told_phase, self._told_at = self.phase, now
        return self.words()
