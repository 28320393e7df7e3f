"""What all parts of the daemon share: one lock, the wake-up of the data plane, and access to moto's state."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from queue import SimpleQueue
from typing import Any

ACCOUNT = "123456789012"


@dataclass
class SharedState:
    """The cloud of this daemon; moto's state may be used only under its lock."""

    directory: Path
    endpoint_url: str
    network: int
    ports: dict[str, int]
    lock: threading.RLock = field(default_factory=threading.RLock)
    awake: threading.Event = field(default_factory=threading.Event)
    reports: SimpleQueue[tuple[str, dict[str, Any]]] = field(default_factory=SimpleQueue)

    def wake(self) -> None:
        """Wake the data plane at once."""
        self.awake.set()

    def report(self, instance_id: str, what: dict[str, Any]) -> None:
        """Pass a machine's report to the data plane."""
        self.reports.put((instance_id, what))
        self.wake()

    def backend(self, service: str, region: str) -> Any:
        """moto's state of a service in a region, created if necessary."""
        from moto.backends import get_backend

        backends: Any = get_backend(service)  # type: ignore[call-overload]
        return backends[ACCOUNT][region]

    def regions(self, service: str) -> Iterator[tuple[str, Any]]:
        """moto's state of a service in each region used so far."""
        from moto.backends import get_backend

        backends: Any = get_backend(service)  # type: ignore[call-overload]
        if ACCOUNT in backends.keys():  # noqa: SIM118 (moto's `in` does not look at the keys)
            yield from list(backends[ACCOUNT].items())


def utc_now() -> datetime:
    """The current time in moto's form: UTC without a zone."""
    return datetime.now(UTC).replace(tzinfo=None)
