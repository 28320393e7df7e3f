"""A state in a local file, with a lock that ends with its holder."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from hfecs.errors import Failed, Locked, StateInvalid
from hfecs.provisioning.state.store import Holder


@dataclass(frozen=True)
class FileStore:
    """A file; a reader sees the old document or the new one, never a part."""

    path: Path
    bucket = ""
    lost_hint = "move the file away: hfecs finds its resources by their tags"

    @property
    def where(self) -> str:
        """The file's path."""
        return str(self.path)

    def read(self) -> bytes | None:
        """The file's content; None if there is none. StateInvalid if it cannot be read."""
        try:
            return self.path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            hint = "name a readable file: --state"
            raise StateInvalid(f"State {self.path} cannot be read: {error.strerror}.", hint) from error

    def write(self, content: bytes, *, soon: bool = False) -> Callable[[], object]:
        """Replace the file; it is on disk when this returns, `soon` or not. Failed if it cannot be written."""
        try:
            _replace(self.path, content)
        except OSError as error:
            hint = "free some disk space, then run the same command again: it finds its resources by their tags"
            raise Failed(f"State {self.path} cannot be written: {error.strerror}.", hint) from error
        return lambda: None

    def check(self) -> None:
        """A file's lock is never lost: it ends with its process."""

    def locked(self, purpose: str) -> AbstractContextManager[None]:
        """Hold the lock of the file."""
        return locked(self.path, purpose)


@contextmanager
def locked(path: Path, purpose: str) -> Iterator[None]:
    """Hold the lock of a state file; Locked says who holds it since when. It is released when its holder dies."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_name(path.name + ".lock").open("a+", encoding="utf-8") as file:
        _acquire(file, path)
        file.truncate(0)
        file.write(str(Holder(purpose)))
        file.flush()
        yield
        file.truncate(0)


def _acquire(file: IO[str], path: Path) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        holder = file.read().strip() or "another hfecs"
        hint = "wait for it to finish, then run this again"
        raise Locked(f"{path.name} is locked by {holder}.", hint) from None


def _replace(path: Path, content: bytes) -> None:
    """Replace the whole file with this content, and leave no temporary file if that fails."""
    with ExitStack() as if_it_fails:
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=path.name, delete=False) as file:
            if_it_fails.callback(Path(file.name).unlink)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(file.name).replace(path)
        if_it_fails.pop_all()
