"""The types that resource modules and Stack share: existing resources, changes, and placeholders for planned ones."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
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


class Inventory:
    """What a survey found of each kind, by name; filled from many threads."""

    def __init__(self) -> None:
        self._by_kind: dict[str, dict[str, Existing]] = {}
        self._listed: dict[str, list[Existing]] = {}
        self._looking = threading.Lock()
        self.failures: dict[str, Exception] = {}

    def remember(self, kind: str, found: Iterable[Existing]) -> None:
        """Set what exists of a kind, replacing earlier knowledge; of two with the same name, ours is the one kept."""
        listed = list(found)
        by_name = {item.name: item for item in sorted(listed, key=lambda item: item.ours)}
        with self._looking:
            self._by_kind[kind], self._listed[kind] = by_name, listed
            self.failures.pop(kind, None)

    def fail(self, kind: str, error: Exception) -> None:
        """Remember why a kind could not be listed."""
        with self._looking:
            self.failures[kind] = error

    def without(self, gone: Collection[tuple[str, str]]) -> Inventory:
        """The same without these resources, each a kind and a name."""
        rest = Inventory()
        for kind, listed in list(self._by_kind.items()):
            rest.remember(kind, (found for found in listed.values() if (kind, found.name) not in gone))
        return rest

    def all_of(self, kind: str) -> list[Existing]:
        """Everything that was found of a kind, also several with the same name."""
        return list(self._listed.get(kind, ()))

    def of(self, kind: str) -> dict[str, Existing] | None:
        """The resources of a kind; None if nobody has looked."""
        return self._by_kind.get(kind)

    def owns(self, found: Existing) -> bool:
        """Whether we own it, judged by its own tags and by its parent's, if the parent exists."""
        kind, name = found.within
        owner = self._by_kind.get(kind, {}).get(name)
        return found.ours and (owner is None or owner.ours)

    def everything(self) -> Iterator[tuple[str, Existing]]:
        """Each resource with its kind."""
        for kind, listed in list(self._by_kind.items()):
            yield from ((kind, found) for found in listed.values())


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
