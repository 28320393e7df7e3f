"""What a store of the state can do, and who holds its lock."""

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
    """Where the document of a state lies."""

    @property
    def where(self) -> str:
        """The place, as a person names it."""

    @property
    def bucket(self) -> str:
        """The bucket in which it lies; empty for a file."""

    @property
    def lost_hint(self) -> str:
        """What to do with a document that cannot be used."""

    def read(self) -> bytes | None:
        """What the document holds; None if there is none. StateInvalid if it cannot be read."""

    def write(self, content: bytes, *, soon: bool = False) -> Callable[[], object]:
        """Begin to replace the document as a whole; the answer waits until it is safe.

        With `soon`, and under the lock, it need not be waited for: the end of `locked` does.
        """

    def check(self) -> None:
        """Locked if the lock that this process has taken is not its own any more."""

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
        """The holder as JSON writes it."""
        return asdict(self)


def _user() -> str:
    """The name of whoever runs this; a number where a container has no names."""
    with suppress(KeyError, OSError):
        return getpass.getuser()
    return str(os.getuid())
