"""What a survey found of each kind, and how that compares with what the state file names."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Iterator

from hfecs.provisioning.resource import Existing
from hfecs.provisioning.state import Record


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

    def existing(self, kind: str, records: Iterable[Record]) -> list[Record]:
        """What exists of a kind: what `records` name, and what was found with our tags.

        Left out is what now has the name of a recorded resource without our tags: `estranged` and `replaced` list it.
        """
        records = list(records)
        found_names = self.of(kind) or {}
        ours = [Record(kind, found.name, found.id) for found in self.all_of(kind) if self._is_ours(found, records)]
        return [*ours, *(record for record in _of_kind(kind, records) if record.name not in found_names)]

    def estranged(self, kind: str, records: Iterable[Record]) -> list[tuple[Record, Existing]]:
        """What `records` name and was found under the recorded id, but without our tags."""
        records = list(records)
        found = {existing.id: existing for existing in self.all_of(kind)}
        pairs = [(record, found[record.id]) for record in _of_kind(kind, records) if record.id in found]
        return [(record, existing) for record, existing in pairs if not self._is_ours(existing, records)]

    def replaced(self, kind: str, records: Iterable[Record]) -> list[Record]:
        """What `records` name and is gone: its name belongs to something else, which is not ours."""
        records = list(records)
        ids = {found.id for found in self.all_of(kind)}
        kept = {record.name for record in self.existing(kind, records)}
        return [record for record in _of_kind(kind, records) if record.id not in ids and record.name not in kept]

    def _is_ours(self, found: Existing, records: list[Record]) -> bool:
        """Whether we own it; of a parent that could not be listed, the records tell."""
        kind, name = found.within
        known = kind not in self.failures or name in {record.name for record in _of_kind(kind, records)}
        return known and self.owns(found)


def _of_kind(kind: str, records: Iterable[Record]) -> list[Record]:
    return [record for record in records if record.kind == kind]
