"""The interface of a state's store, and the holder of its lock."""

from __future__ import annotations

import getpass
import os
import socket
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol


class Store(Protocol):
    """Where the document of a state is stored."""

    @property
    def where(self) -> str:
        """The location, for the user."""

    @property
    def bucket(self) -> str:
        """Its bucket; empty for a file."""

    @property
    def lost_hint(self) -> str:
        """What to do about an unusable document."""

    def read(self) -> bytes | None:
        """The document's content; None if there is none. StateInvalid if it cannot be read."""

    def write(self, content: bytes, *, soon: bool = False) -> Callable[[], object]:
        """Start to replace the whole document; the returned function waits until it is stored.

        With `soon`, and under the lock, the caller need not wait: the end of `locked` does.
        """

    def check(self) -> None:
        """Locked if this process has lost its lock."""

    def locked(self, purpose: str) -> AbstractContextManager[None]:
        """Hold the lock; Locked says who holds it since when."""


@dataclass(frozen=True)
class Holder:
    """Who holds a lock: the command, the person and machine, the process, and since when (UTC)."""

    command: str
    person: str = field(default_factory=lambda: f"{_user()}@{socket.gethostname()}")
    process: int = field(default_factory=os.getpid)
    since: str = field(default_factory=lambda: f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC")

    def __str__(self) -> str:
        return f"'hfecs {self.command}' of {self.person} (process {self.process}) since {self.since}"

    def as_dict(self) -> dict[str, Any]:
        """The holder as JSON."""
        return asdict(self)


def _user() -> str:
    """The current user's name; a number in a container without names."""
    with suppress(KeyError, OSError):
        return getpass.getuser()
    return str(os.getuid())
