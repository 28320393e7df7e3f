"""The state file: what was created, written after every create; it is not the truth, AWS is."""

from __future__ import annotations

import fcntl
import json
import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from hfecs import state_document
from hfecs.errors import Failed, Locked, StateInvalid


@dataclass(frozen=True)
class Record:
    """One created resource: what kind, under which name, and what AWS calls it."""

    kind: str
    name: str
    id: str
    created: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))


class State:
    """What has been created, by stack; thread-safe; every change is on disk before the method returns."""

    def __init__(self, path: Path, document: dict[str, Any]) -> None:
        self.path = path
        self._document = document
        self._writing = threading.RLock()

    @classmethod
    def load(cls, path: Path) -> State:
        """Read the file, or begin a new one that is written with the first record."""
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return cls(path, state_document.begun())
        except OSError as error:
            hint = "name a file that can be read: --state"
            raise StateInvalid(f"The state file {path} cannot be read: {error.strerror}.", hint) from error
        return cls(path, state_document.read(content, str(path)))

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
                    f"The state file {self.path} belongs to {key} {known}, and this command works on {value}.",
                    hint=f"switch back to {known}, or name another file with --state",
                )

    def stacks(self) -> list[str]:
        """The names of the stacks that have records."""
        return [name for name, stack in self._document["stacks"].items() if stack["resources"]]

    def records(self, stack: str) -> list[Record]:
        """What was created for a stack, oldest first."""
        return [Record(**record) for record in self._stack(stack)["resources"]]

    def record(self, stack: str, record: Record) -> None:
        """Write down a resource; one of the same kind and name is replaced."""
        with self._change(stack) as entry:
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
        with self._change(stack) as entry:
            entry["outputs"].update(values)

    def _stack(self, name: str) -> dict[str, Any]:
        empty: dict[str, Any] = {"resources": [], "generations": {}, "outputs": {}}
        return self._document["stacks"].setdefault(name, empty)  # type: ignore[no-any-return]

    @contextmanager
    def _change(self, stack: str) -> Iterator[dict[str, Any]]:
        with self._writing:
            yield self._stack(stack)
            self._document["serial"] += 1
            _write(self.path, self._document)


@contextmanager
def locked(path: Path, purpose: str) -> Iterator[None]:
    """Hold the lock of a state file; Locked says who holds it since when. A dead holder's lock is gone with it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_name(path.name + ".lock").open("a+", encoding="utf-8") as file:
        _acquire(file, path)
        file.truncate(0)
        file.write(f"'hfecs {purpose}' (process {os.getpid()}) since {datetime.now():%H:%M:%S}")
        file.flush()
        yield
        file.truncate(0)


def _acquire(file: IO[str], path: Path) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        holder = file.read().strip() or "another hfecs"
        hint = "wait until it has ended, then run this again"
        raise Locked(f"{path.name} is locked by {holder}.", hint) from None


def _write(path: Path, document: dict[str, Any]) -> None:
    """Replace the file as a whole: whoever reads it sees the old one or the new one."""
    try:
        with ExitStack() as if_it_fails:
            with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=path.name, delete=False) as file:
                if_it_fails.callback(Path(file.name).unlink)
                json.dump(document, file, indent=2)
                file.write("\n")
                file.flush()
                os.fsync(file.fileno())
            Path(file.name).replace(path)
            if_it_fails.pop_all()
    except OSError as error:
        hint = "make room, then run the same command again: it finds what was made by its tags"
        raise Failed(f"The state file {path} cannot be written: {error.strerror}.", hint) from error


def _without(resources: list[dict[str, Any]], kind: str, name: str) -> list[dict[str, Any]]:
    return [entry for entry in resources if (entry["kind"], entry["name"]) != (kind, name)]
