"""What resources say while they work, and to whom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

from hfecs.provisioning.resource import Change


class Outcome(Enum):
    """What became of a resource; the value is the sign that stands before it."""

    CREATED = "+"
    CHANGED = "~"
    UNCHANGED = "="
    DELETED = "-"
    KEPT = "·"
    FAILED = "!"


@dataclass(frozen=True)
class Step:
    """One resource, what became of it, details, and the fields that were changed or would be."""

    outcome: Outcome
    kind: str
    name: str
    detail: str = ""
    id: str = ""
    changes: Sequence[Change] = ()


class Reporter(Protocol):
    """Who listens to the steps; called from many threads."""

    def step(self, step: Step) -> None:
        """A step has ended (or, in plan mode, would be done)."""

    def waiting(self, what: str, seconds: float) -> None:
        """Something has been waited for that many seconds."""

    def transferred(self, what: str, done: int, total: int) -> None:
        """So many bytes of a transfer are done."""


@dataclass
class Recorder:
    """A reporter that keeps the steps: for tests and for summaries."""

    steps: list[Step] = field(default_factory=list)
    waits: list[str] = field(default_factory=list)

    def step(self, step: Step) -> None:
        """Keep the step."""
        self.steps.append(step)

    def waiting(self, what: str, seconds: float) -> None:
        """Keep what is waited for."""
        self.waits.append(what)

    def transferred(self, what: str, done: int, total: int) -> None:
        """Nothing to keep."""

    def count(self, *outcomes: Outcome) -> int:
        """How many steps had one of these outcomes."""
        return sum(step.outcome in outcomes for step in self.steps)
