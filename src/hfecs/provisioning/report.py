"""What resources report while they work, and to whom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

from hfecs.provisioning.resource import Change


class Outcome(Enum):
    """The outcome for a resource; the value is the sign printed before it."""

    CREATED = "+"
    CHANGED = "~"
    UNCHANGED = "="
    DELETED = "-"
    KEPT = "·"
    FAILED = "!"


@dataclass(frozen=True)
class Step:
    """One resource, its outcome, details, and the fields that were changed or would be."""

    outcome: Outcome
    kind: str
    name: str
    detail: str = ""
    id: str = ""
    changes: Sequence[Change] = ()


class Reporter(Protocol):
    """Receives the steps; called from many threads."""

    def step(self, step: Step) -> None:
        """A step is done (or, in plan mode, would be)."""

    def waiting(self, what: str, seconds: float) -> None:
        """Something has been waited for that many seconds."""

    def transferred(self, what: str, done: int, total: int) -> None:
        """This many bytes of a transfer are done."""

    def note(self, sentence: str) -> None:
        """Something that the user should know, and that does not keep the command from going on."""


@dataclass
class Recorder:
    """A reporter that stores the steps, for tests and summaries."""

    steps: list[Step] = field(default_factory=list)
    waits: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def step(self, step: Step) -> None:
        """Store the step."""
        self.steps.append(step)

    def waiting(self, what: str, seconds: float) -> None:
        """Store what is waited for."""
        self.waits.append(what)

    def transferred(self, what: str, done: int, total: int) -> None:
        """Store nothing."""

    def note(self, sentence: str) -> None:
        """Store the note."""
        self.notes.append(sentence)

    def count(self, *outcomes: Outcome) -> int:
        """The number of steps with one of these outcomes."""
        return sum(step.outcome in outcomes for step in self.steps)
