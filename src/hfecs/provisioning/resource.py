"""The types that resource modules and Stack share: existing resources, changes, and placeholders for planned ones."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

# Characters of a value that are shown; JSON output has it whole.
SHOWN = 160


class Planned(str):
    """The id of something that a plan has not created."""


NOT_YET = Planned("(known after up)")


@dataclass(frozen=True)
class Existing:
    """A resource that exists: its id, what AWS returns for it, and whether it carries our tags.

    A resource that cannot carry tags belongs to the owner of what it is `within`: a kind and a name.
    """

    name: str
    id: str
    actual: Any = None
    ours: bool = True
    within: tuple[str, str] = ("", "")


@dataclass(frozen=True)
class Change:
    """A field that differs, and the call that corrects it; the call may return a new id.

    `replaces` means that the resource is recreated, so that its id changes. `interrupts` says what running work the
    change would end; such a change needs permission.
    """

    field: str
    old: object
    new: object
    apply: Callable[[], object]
    interrupts: str = ""
    replaces: bool = False

    def __str__(self) -> str:
        old, new = _shown(self.old, self.new)
        return f"{self.field}: {old} -> {new}{' (replaced)' if self.replaces else ''}"


def at_once(
    fields: Mapping[str, tuple[Any, Any]], apply: Callable[[], object], *, interrupts: str = "", replaces: bool = False
) -> Iterator[Change]:
    """One change per field, (old, new) by name; a single call makes all of them."""
    calls = iter([apply])
    for field, (old, new) in fields.items():
        yield Change(field, old, new, next(calls, lambda: None), interrupts, replaces)


def digest(*parts: object) -> str:
    """A SHA-256 in hexadecimal of values that JSON can represent, whatever the order of their keys."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _shown(old: object, new: object) -> tuple[str, str]:
    """Both values on one line; of multi-line texts only the lines that differ."""
    values = ["none" if value is None else str(value) for value in (old, new)]
    lines = [value.splitlines() for value in values]
    if max(map(len, lines)) > 1:
        values = ["; ".join(line.strip() for line in lines[side] if line not in lines[1 - side]) for side in (0, 1)]
    return _cut(values[0]), _cut(values[1])


def _cut(text: str) -> str:
    return f"{text[: SHOWN - 3]}..." if len(text) > SHOWN else text or '""'
