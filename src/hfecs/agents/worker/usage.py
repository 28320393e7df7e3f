"""What the processes of a job use, seen in /proc while they run.

The kernel's account of an ended process does not tell it: its memory includes that of the executor, which started it,
and children that nobody waited for are missing.
"""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass

FIRST_PAUSE_SECONDS = 0.004
LAST_PAUSE_SECONDS = 0.1
"""Between two looks: short at first, and while memory grows."""

GROWTH = 1.05
"""A larger factor between two looks is growth."""

PAUSE_PER_COST = 100
PAUSE_PER_AGE = 0.01
"""A long look is followed by a longer pause, and so is one at an old job: looking takes about 1 % of a core."""

FOLLOWED_SECONDS = 0.1
"""So long only children of known processes are looked for; then all processes are, which finds orphans too."""

PROC = "/proc"
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
TICK_SECONDS = 1 / os.sysconf("SC_CLK_TCK")
IGNORES_CHILDREN = 1 << 16
"""The bit of SIGCHLD in a mask of signals: children of a process that ignores it end without being waited for."""

ZOMBIE = b"Z"

MOST_BYTES = 65_536
"""More than a file of /proc that is read here has."""


@dataclass(frozen=True)
class Seconds:
    """Processor time in user mode and in the kernel."""

    user: float = 0.0
    system: float = 0.0

    def __add__(self, other: Seconds) -> Seconds:
        return Seconds(self.user + other.user, self.system + other.system)

    @property
    def total(self) -> float:
        """Both together."""
        return self.user + self.system

    def times(self, factor: float) -> Seconds:
        """The same parts of another total."""
        return Seconds(self.user * factor, self.system * factor)


NONE = Seconds()


@dataclass(frozen=True)
class Process:
    """A process at a moment; `waited` is the time of the children that it has waited for, `peak_bytes` of memory."""

    state: bytes
    parent: int
    session: int
    own: Seconds
    waited: Seconds
    started: int
    resident_bytes: int
    peak_bytes: int = 0
    ignores_children: bool = False

    @property
    def seconds(self) -> Seconds:
        """Its own time, and that of the children that it has waited for."""
        return self.own + self.waited


class Usage:
    """Looks at a job's processes, a session with its leader, from the leader's start to its end."""

    def __init__(self, leader: int) -> None:
        self._leader = leader
        self._began = time.monotonic()
        self._pause = FIRST_PAUSE_SECONDS
        self._looks = 0
        self._peak_bytes = 0
        self._unwaited = NONE
        self._seen: dict[int, Process] = {}
        self._take({leader: known} if (known := _read(leader)) else {})

    @property
    def next(self) -> float:
        """When to look again, on the monotonic clock."""
        return self._due

    def look(self) -> None:
        """See which processes there are, and what each has used so far."""
        age = time.monotonic() - self._began
        self._take(self._followed() if age < FOLLOWED_SECONDS else self._session())

    def metrics(self, leader: resource.struct_rusage) -> dict[str, float]:
        """What the job has used, with the kernel's account of its leader; no memory if none was seen."""
        left = sum((known.seconds for pid, known in self._seen.items() if pid != self._leader), NONE)
        seconds = Seconds(leader.ru_utime, leader.ru_stime) + self._unwaited + left
        peak = self._peak(leader)
        memory = {"resident_bytes": peak} if peak else {}
        return {"user_seconds": round(seconds.user, 6), "system_seconds": round(seconds.system, 6), **memory}

    def _peak(self, leader: resource.struct_rusage) -> int:
        """The most memory; the kernel's figure is the job's own only if it is above the executor's."""
        kernel, executor = leader.ru_maxrss * 1024, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        if kernel > executor:
            return max(kernel, self._peak_bytes)
        if self._looks > 1:
            return self._peak_bytes
        # It ended in milliseconds, seen at its start only; what it touched since is in the account.
        return min(kernel, max(self._peak_bytes, leader.ru_minflt * PAGE_BYTES))

    def _take(self, now: dict[int, Process]) -> None:
        start = time.monotonic()
        alive = {pid: _in_full(pid, known) for pid, known in now.items()}
        if self._leader in alive and alive[self._leader].resident_bytes:
            self._looks += 1
        before, together = self._peak_bytes, sum(known.resident_bytes for known in alive.values())
        self._peak_bytes = max([before, together, *(known.peak_bytes for known in alive.values())])
        self._unwaited += _unwaited(self._seen, alive)
        self._seen = alive
        grows = self._peak_bytes > GROWTH * before
        self._pause = FIRST_PAUSE_SECONDS if grows else min(2 * self._pause, LAST_PAUSE_SECONDS)
        end = time.monotonic()
        settled = 0.0 if grows else PAUSE_PER_AGE * (end - self._began)
        self._due = end + max(self._pause, PAUSE_PER_COST * (end - start), settled)

    def _followed(self) -> dict[int, Process]:
        """The known processes that still exist, and their children."""
        found: dict[int, Process] = {}
        further = [*self._seen]
        while further:
            pid = further.pop()
            known = _read(pid)
            if known and pid not in found and self._is_same(pid, known):
                found[pid] = known
                further += _children(pid)
        return found

    def _session(self) -> dict[int, Process]:
        """The processes of the session and the known ones, with their children."""
        every = {pid: known for pid in _numbers(PROC) if (known := _read(pid))}
        found = {
            pid: known
            for pid, known in every.items()
            if known.session == self._leader or (pid in self._seen and self._is_same(pid, known))
        }
        while more := {pid: known for pid, known in every.items() if known.parent in found and pid not in found}:
            found |= more
        return found

    def _is_same(self, pid: int, known: Process) -> bool:
        """Whether a process is not another one that has got the id of a known one."""
        before = self._seen.get(pid)
        return before is None or before.started == known.started


def _unwaited(before: Mapping[int, Process], now: Mapping[int, Process]) -> Seconds:
    """The time of ended processes that no other process of the job has on its account, as far as it was seen."""
    gone = {pid: known for pid, known in before.items() if pid not in now}
    lost = sum((known.seconds for known in gone.values() if _is_lost(known, before)), NONE)
    for pid, parent in now.items():
        if parent.state == ZOMBIE and pid in before and not before[pid].ignores_children:
            # Its children were taken from it when it ended: which of them it had waited for, its account tells.
            ended = [known.seconds for known in gone.values() if known.parent == pid]
            seconds, waited = sum(ended, NONE), parent.waited.total - before[pid].waited.total
            missing = seconds.total - waited
            if missing > TICK_SECONDS * len(ended):
                lost += seconds.times(missing / seconds.total)
    return lost


def _is_lost(known: Process, before: Mapping[int, Process]) -> bool:
    """Whether an ended process had no parent in its job, or one that waits for no child."""
    parent = before.get(known.parent)
    return parent is None or parent.ignores_children


def _read(pid: int) -> Process | None:
    """A process; None if it does not exist any more."""
    with suppress(OSError):
        content = _content(f"{PROC}/{pid}/stat")
        words = content[content.rindex(b")") + 2 :].split()
        state, parent, session = words[0], int(words[1]), int(words[3])
        user, system, waited_user, waited_system = (int(word) * TICK_SECONDS for word in words[11:15])
        own, waited = Seconds(user, system), Seconds(waited_user, waited_system)
        return Process(state, parent, session, own, waited, int(words[19]), int(words[21]) * PAGE_BYTES)
    return None


def _in_full(pid: int, known: Process) -> Process:
    """The same with what stands elsewhere: its peak of memory, its signals, its time in less than ticks."""
    peak, ignored = 0, 0
    with suppress(OSError):
        for line in _lines(f"{PROC}/{pid}/status") if known.state != ZOMBIE else ():
            if line.startswith(b"VmHWM:"):
                peak = int(line.split()[1]) * 1024
            elif line.startswith(b"SigIgn:"):
                ignored = int(line.split()[1], 16)
    facts = {**vars(known), "peak_bytes": peak, "ignores_children": bool(ignored & IGNORES_CHILDREN)}
    return Process(**{**facts, "own": _exact(pid, known.own)})


def _exact(pid: int, ticks: Seconds) -> Seconds:
    """A process's own time by its clock, divided as its ticks are."""
    with suppress(OSError):
        total = time.clock_gettime(~pid << 3 | 2)  # as clock_getcpuclockid(3) has it
        return ticks.times(total / ticks.total) if ticks.total else Seconds(user=total)
    return ticks


def _children(pid: int) -> Iterator[int]:
    with suppress(OSError):
        for thread in _numbers(f"{PROC}/{pid}/task"):
            for line in _lines(f"{PROC}/{pid}/task/{thread}/children"):
                yield from map(int, line.split())


def _numbers(folder: str) -> Iterator[int]:
    with os.scandir(folder) as entries:
        yield from (int(entry.name) for entry in entries if entry.name.isdigit())


def _lines(path: str) -> Iterable[bytes]:
    return _content(path).splitlines()


def _content(path: str) -> bytes:
    """What stands in a file of /proc, without what Python's own files cost."""
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(file, MOST_BYTES)
    finally:
        os.close(file)
