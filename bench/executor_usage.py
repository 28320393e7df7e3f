"""The processor time of the parts of a local cloud, by what they are."""

from __future__ import annotations

import os
from pathlib import Path

from hfecs.local.processes import processes_of

TICKS = os.sysconf("SC_CLK_TCK")
PARTS = {
    b"hfecs\0agent\0worker": "executor",
    b"hfecs\0agent\0engine": "engine agent",
    b"hfecs\0agent\0notifier": "notifier",
    b"run.js": "engine",
    b"redis-server": "redis",
    b"beam.smp": "broker",
    b"hfecs.local": "local cloud",
}


class Usage:
    """Looks at the processes of a cloud again and again; a process that has ended keeps what it had used last."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._seen: dict[tuple[int, str], float] = {}
        self.look()
        self._before = self.by_part()

    def look(self) -> None:
        """Note what each process has used; that of a job's programs counts when they have ended."""
        for process in processes_of(self._directory):
            part = _part(process.pid)
            if part:
                self._seen |= {(process.pid, name): used for name, used in _used(process.pid, part).items()}

    def by_part(self) -> dict[str, float]:
        """The seconds that each part has used so far."""
        total: dict[str, float] = {}
        for (_, name), used in self._seen.items():
            total[name] = total.get(name, 0.0) + used
        return total

    def since(self) -> dict[str, float]:
        """The seconds since the first look, the most first."""
        since = {part: used - self._before.get(part, 0.0) for part, used in self.by_part().items()}
        return dict(sorted(since.items(), key=lambda entry: -entry[1]))


def _part(pid: int) -> str:
    command = _read(pid, "cmdline")
    return next((part for words, part in PARTS.items() if words in command), "")


def _used(pid: int, part: str) -> dict[str, float]:
    fields = _read(pid, "stat").rpartition(b")")[2].split()
    if not fields:
        return {}
    own, children = (int(fields[at]) + int(fields[at + 1]) for at in (11, 13))
    used = {part: own / TICKS}
    return used | ({"programs": children / TICKS} if part == "executor" else {})


def _read(pid: int, name: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except OSError:
        return b""
