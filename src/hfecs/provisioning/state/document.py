"""The document of a state: the resources by cluster and stack, and the stacks' notes."""

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
from hfecs.provisioning.state import schema
from hfecs.provisioning.state.file import FileStore
from hfecs.provisioning.state.store import Store


@dataclass(frozen=True)
class Record:
    """A created resource: its kind, its name, and its id in AWS."""

    kind: str
    name: str
    id: str
    created: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))


class State:
    """Everything created, by cluster; thread-safe; every change is stored before the method returns."""

    def __init__(self, store: Store) -> None:
        """Read the document from its store, or start a new one, written with its first record."""
        self.store = store
        self._writing = threading.RLock()
        self._document = _read(store)

    @classmethod
    def load(cls, path: Path) -> State:
        """The state in a file."""
        return cls(FileStore(path))

    @property
    def path(self) -> Path:
        """The path of the state file."""
        return Path(self.store.where)

    @contextmanager
    def locked(self, purpose: str) -> Iterator[None]:
        """Hold the store's lock, and read what others wrote before; Locked says who holds it."""
        with self.store.locked(purpose):
            with self._writing:
                self._document = _read(self.store)
                if self.store.bucket and not self._document["serial"]:
                    self._save()()  # tokens are derived from its lineage, so that must not be lost
            yield

    @property
    def lineage(self) -> str:
        """A random name that the file keeps for life; idempotency tokens are derived from it."""
        return str(self._document["lineage"])

    @property
    def account(self) -> str | None:
        """The account of all its clusters, once known."""
        return self._document.get("account")

    @property
    def region(self) -> str | None:
        """The region of all its clusters, once known."""
        return self._document.get("region")

    def belongs_to(self, account: str, region: str) -> None:
        """Tie the file to an account and a region; refuse any other."""
        self.refuse_other(account=account, region=region)
        self._document |= {"account": account, "region": region}

    def refuse_other(self, **target: str) -> None:
        """StateInvalid if the file belongs to another account or region."""
        for key, value in target.items():
            known = self._document.get(key) or value
            if known != value:
                raise StateInvalid(
                    f"The state {self.store.where} belongs to {key} {known}, but this command works on {value}.",
                    hint=f"switch back to {known}, or name another one with --state",
                )

    def clusters(self) -> list[str]:
        """The names of the clusters that have records, in alphabetical order."""
        return sorted(name for name in self._document["clusters"] if self.of(name).stacks())

    def of(self, cluster: str) -> ClusterState:
        """One cluster's part."""
        return ClusterState(self, cluster)

    def stacks(self, cluster: str) -> dict[str, Any]:
        """The data of one cluster, by stack; read-only."""
        known = self._document["clusters"].get(cluster)
        return known["stacks"] if known else {}

    @contextmanager
    def changing(self, cluster: str, stack: str, *, soon: bool = False) -> Iterator[dict[str, Any]]:
        """Change the data of one stack; with `soon`, it may be written later, at the end of `locked` at the latest."""
        with self._writing:
            stacks = self._document["clusters"].setdefault(cluster, {"stacks": {}})["stacks"]
            yield stacks.setdefault(stack, _nothing())
            written = self._save(soon=soon)
        if not soon:
            written()

    def _save(self, *, soon: bool = False) -> Callable[[], object]:
        self._document["serial"] += 1
        return self.store.write(f"{json.dumps(self._document, indent=2)}\n".encode(), soon=soon)


@dataclass(frozen=True)
class ClusterState:
    """What has been created for one cluster, by stack."""

    document: State
    cluster: str

    @property
    def store(self) -> Store:
        """Where the document is stored."""
        return self.document.store

    def stacks(self) -> list[str]:
        """The names of the stacks that have records."""
        return [name for name, stack in self.document.stacks(self.cluster).items() if stack["resources"]]

    def records(self, stack: str) -> list[Record]:
        """What was created for a stack, oldest first."""
        return [Record(**record) for record in self._entry(stack)["resources"]]

    def record(self, stack: str, record: Record) -> None:
        """Record a resource; one of the same kind and name is replaced.

        If a power cut loses this, the resource is found by its tags, so a slow store need not be waited for.
        """
        with self.document.changing(self.cluster, stack, soon=True) as entry:
            entry["resources"] = [*_without(entry["resources"], record.kind, record.name), asdict(record)]

    def forget(self, stack: str, record: Record) -> None:
        """Remove the record of a deleted resource; its name gets a new generation."""
        with self.document.changing(self.cluster, stack) as entry:
            entry["resources"] = _without(entry["resources"], record.kind, record.name)
            key = f"{record.kind}/{record.name}"
            entry["generations"][key] = entry["generations"].get(key, 0) + 1

    def generation(self, stack: str, kind: str, name: str) -> int:
        """How many resources of that kind and name have been deleted."""
        return int(self._entry(stack)["generations"].get(f"{kind}/{name}", 0))

    def outputs(self, stack: str) -> dict[str, Any]:
        """The values that a stack stored for later commands."""
        return dict(self._entry(stack)["outputs"])

    def output(self, stack: str, **values: Any) -> None:
        """Store values for later commands; no secrets."""
        with self.document.changing(self.cluster, stack, soon=True) as entry:
            entry["outputs"].update(values)

    def _entry(self, stack: str) -> dict[str, Any]:
        return self.document.stacks(self.cluster).get(stack) or _nothing()


def _nothing() -> dict[str, Any]:
    return {"resources": [], "generations": {}, "outputs": {}}


def _read(store: Store) -> dict[str, Any]:
    content = store.read()
    return schema.begun() if content is None else schema.read(content, store.where, store.lost_hint)


def _without(resources: list[dict[str, Any]], kind: str, name: str) -> list[dict[str, Any]]:
    return [entry for entry in resources if (entry["kind"], entry["name"]) != (kind, name)]
