"""The document of a state: which resources there are, by stack, and what the stacks wrote down."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hfecs.errors import StateInvalid
from hfecs.state import contents
from hfecs.state.file import FileStore
from hfecs.state.store import Store


@dataclass(frozen=True)
class Record:
    """One created resource: what kind, under which name, and what AWS calls it."""

    kind: str
    name: str
    id: str
    created: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))


class State:
    """What has been created, by stack; thread-safe; every change is on disk before the method returns."""

    def __init__(self, store: Store) -> None:
        """Read the document from its store, or begin a new one that is written with the first record."""
        self.store = store
        self._writing = threading.RLock()
        self._document = _read(store)

    @classmethod
    def load(cls, path: Path) -> State:
        """The state in a file."""
        return cls(FileStore(path))

    @property
    def path(self) -> Path:
        """The path of the file in which the state lies."""
        return Path(self.store.where)

    @contextmanager
    def locked(self, purpose: str) -> Iterator[None]:
        """Hold the lock of the store, and see what others wrote before it was ours; Locked says who holds it."""
        with self.store.locked(purpose):
            with self._writing:
                self._document = _read(self.store)
                if self.store.bucket and not self._document["serial"]:
                    self._save()()  # tokens are made of its lineage: that must not be lost
            yield

    @property
    def lineage(self) -> str:
        """A random name that the file keeps for life; idempotency tokens are made of it."""
        return str(self._document["lineage"])

    def belongs_to(self, account: str, region: str) -> None:
        """Tie the file to an account and a region; refuse another one's."""
        for key, value in (("account", account), ("region", region)):
            known = self._document.setdefault(key, value)
            if known != value:
                raise StateInvalid(
                    f"The state {self.store.where} belongs to {key} {known}, and this command works on {value}.",
                    hint=f"switch back to {known}, or name another one with --state",
                )

    def stacks(self) -> list[str]:
        """The names of the stacks that have records."""
        return [name for name, stack in self._document["stacks"].items() if stack["resources"]]

    def records(self, stack: str) -> list[Record]:
        """What was created for a stack, oldest first."""
        return [Record(**record) for record in self._stack(stack)["resources"]]

    def record(self, stack: str, record: Record) -> None:
        """Write down a resource; one of the same kind and name is replaced.

        What is lost of this by a power cut is found again by its tags, so a slow store need not be waited for.
        """
        with self._change(stack, soon=True) as entry:
            entry["resources"] = [*_without(entry["resources"], record.kind, record.name), asdict(record)]

    def forget(self, stack: str, record: Record) -> None:
        """Strike a resource that is gone; its name gets a new generation."""
        with self._change(stack) as entry:
            entry["resources"] = _without(entry["resources"], record.kind, record.name)
            key = f"{record.kind}/{record.name}"
            entry["generations"][key] = entry["generations"].get(key, 0) + 1

    def generation(self, stack: str, kind: str, name: str) -> int:
        """How many resources of that kind and name have been torn down."""
        return int(self._stack(stack)["generations"].get(f"{kind}/{name}", 0))

    def outputs(self, stack: str) -> dict[str, Any]:
        """What a stack wrote down for later commands."""
        return dict(self._stack(stack)["outputs"])

    def output(self, stack: str, **values: Any) -> None:
        """Write down values for later commands; no secrets."""
        with self._change(stack, soon=True) as entry:
            entry["outputs"].update(values)

    def _stack(self, name: str) -> dict[str, Any]:
        empty: dict[str, Any] = {"resources": [], "generations": {}, "outputs": {}}
        return self._document["stacks"].setdefault(name, empty)  # type: ignore[no-any-return]

    @contextmanager
    def _change(self, stack: str, *, soon: bool = False) -> Iterator[dict[str, Any]]:
        with self._writing:
            yield self._stack(stack)
            written = self._save(soon=soon)
        if not soon:
            written()

    def _save(self, *, soon: bool = False) -> Callable[[], object]:
        self._document["serial"] += 1
        return self.store.write(f"{json.dumps(self._document, indent=2)}\n".encode(), soon=soon)


def _read(store: Store) -> dict[str, Any]:
    content = store.read()
    return contents.begun() if content is None else contents.read(content, store.where, store.lost_hint)


def _without(resources: list[dict[str, Any]], kind: str, name: str) -> list[dict[str, Any]]:
    return [entry for entry in resources if (entry["kind"], entry["name"]) != (kind, name)]
