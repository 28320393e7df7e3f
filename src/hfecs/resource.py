"""The words between a resource module and its stack: what exists, what differs, what is only planned."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


class Planned(str):
    """The id of something that a plan has not created."""


@dataclass(frozen=True)
class Found:
    """A resource that exists: its id, what AWS says of it, and whether it carries our tags."""

    name: str
    id: str
    actual: Any = None
    ours: bool = True


@dataclass(frozen=True)
class Change:
    """A field that differs, and the call that mends it; the call may return a new id.

    `interrupts` says what running work the change would end; such a change is made only when that is allowed.
    """

    field: str
    old: object
    new: object
    apply: Callable[[], object]
    interrupts: str = ""

    def __str__(self) -> str:
        return f"{self.field}: {self.old} -> {self.new}"


def digest(*parts: object) -> str:
    """A SHA-256 in hexadecimal over values that JSON can write, whatever the order of their keys."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
