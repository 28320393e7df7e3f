"""A fault of a workflow, and how it names processes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

from hfecs.workflow.document import Process

LONGEST_LIST = 6
"""So many processes, or readers of a file, are named before the rest is only counted."""


@dataclass(frozen=True)
class Fault:
    """What is wrong, in one line, and the way out."""

    text: str
    hint: str


def shown(text: object) -> str:
    """A text of the user's in one printable line."""
    words = str(text)
    return words if words.isprintable() else ascii(words)


def called(number: int, process: Process) -> str:
    """How a fault names a process."""
    return f"{shown(process.name)} (process {number})"


def grouped(processes: Sequence[tuple[int, Process]]) -> str:
    """The first of many processes, and how many more there are."""
    return listed((called(number, process) for number, process in processes), len(processes))


def listed(items: Iterable[str], count: int) -> str:
    """The first of `count` items, and how many more there are."""
    first = ", ".join(islice(items, LONGEST_LIST))
    return first if count <= LONGEST_LIST else f"{first} and {count - LONGEST_LIST} more"
