"""The reply to the engine about a job."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from hfecs.messaging import messages

FAILED = 1
"""The exit status in the reply if a job failed before or after its command."""

SUCCEEDED_BYTES = 4 * 1024
"""Of each stream of a job that succeeded so much of the end is sent; of a failed try all that is kept."""

TRIES_BYTES = 1024 * 1024
"""So much of all failed tries is sent; of those beyond, oldest first, only as much as of a job that succeeded."""


@dataclass(frozen=True)
class Try:
    """A try of a job that ended: its number among all, how it ended and when, and the ends of its output.

    `facts` are those of `hfecs.record.model.Try` that only the executor knows.
    """

    number: int
    exit_status: int
    stdout: str = ""
    stderr: str = ""
    problem: str = ""
    ended: str = field(default_factory=messages.timestamp)
    facts: Mapping[str, Any] = field(default_factory=dict)

    def shortened(self) -> Try:
        """The same with less output."""
        return replace(self, stdout=end_of(self.stdout), stderr=end_of(self.stderr))

    @property
    def size(self) -> int:
        """The bytes of its output."""
        return len(self.stdout.encode()) + len(self.stderr.encode())


@dataclass(frozen=True)
class Reply:
    """How a job ended and how often it was tried; a successful one has no exceptions.

    `tries` are the failed ones before the last, as far as this executor made them; `facts` are those of the last one.
    `lost` says why the job's earlier executors did not end it, once for each.
    """

    exit_status: int
    stdout: str = ""
    stderr: str = ""
    metrics: dict[str, Any] = field(default_factory=dict)
    exceptions: tuple[str, ...] = ()
    attempts: int = 1
    ended: str = field(default_factory=messages.timestamp)
    tries: tuple[Try, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    lost: tuple[str, ...] = ()

    @classmethod
    def of(cls, tries: list[Try], metrics: dict[str, Any], lost: tuple[str, ...] = ()) -> Reply:
        """The reply of a job that ended with the last of these tries."""
        *earlier, last = tries
        ended = last if last.exit_status or last.problem else last.shortened()
        problems = (ended.problem,) if ended.problem else ()
        about = (ended.exit_status, ended.stdout, ended.stderr, metrics, problems, ended.number, ended.ended)
        return cls(*about, tries=tuple(earlier), facts=last.facts, lost=lost)

    def body(self, executor: str) -> dict[str, Any]:
        """The reply in the form sent."""
        told = {"exit_status": self.exit_status, "stdout": self.stdout, "stderr": self.stderr, "metrics": self.metrics}
        exceptions = {"exceptions": list(self.exceptions)} if self.exceptions else {}
        tries = {"tries": [asdict(one) for one in self.tries]} if self.tries else {}
        record = {"facts": dict(self.facts)} | ({"lost": list(self.lost)} if self.lost else {})
        about = {"executor": executor, "attempts": self.attempts, "ended": self.ended}
        return {**told, **exceptions, **about, **tries, **record}


def bounded(tries: Iterable[Try]) -> list[Try]:
    """The tries, the older ones with less output if there is much."""
    kept: list[Try] = []
    size = 0
    for one in reversed([*tries]):
        size += one.size
        kept.append(one if size <= TRIES_BYTES else one.shortened())
    return kept[::-1]


def end_of(text: str, size: int = SUCCEEDED_BYTES) -> str:
    """The last so many bytes of a text, without the rest of a character that was cut."""
    content = text.encode()
    return text if len(content) <= size else content[-size:].decode(errors="ignore")
