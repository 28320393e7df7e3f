"""What follows from a run's record: lanes, what set the time, programs, the longest chain, machines and their cost."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from itertools import pairwise
from math import ceil
from statistics import fmean, median

from hfecs.record.model import Job, Machine, RunRecord, Try

FETCHING, PROGRAMS, STORING = "fetching inputs", "programs", "storing outputs"
EXECUTOR, QUEUE = "executor", "engine and queue"
BEFORE, AFTER = "until the first of them began", "after the last of them ended"
PARTS = (BEFORE, FETCHING, PROGRAMS, STORING, EXECUTOR, QUEUE, AFTER)
"""The parts of a run's time, in the order of a run."""

SECONDS_PER_HOUR = 3600.0


@dataclass(frozen=True)
class Lane:
    """A slot of a worker, with the tries that it ran by their starts; `until` is when its machine or the run ended."""

    worker: str
    slot: str
    machine: str
    since: float
    until: float
    tries: Sequence[Try]


def lanes(record: RunRecord) -> list[Lane]:
    """The slots that ran jobs: those of one machine side by side, the machines in the order in which they came."""
    by_slot: dict[tuple[str, str, str], list[Try]] = defaultdict(list)
    for one in record.tries:
        by_slot[one.machine, one.worker, one.slot].append(one)
    known = {machine.id: machine for machine in record.machines}
    found = [
        _lane(worker, slot, known.get(machine), machine, tries, record)
        for (machine, worker, slot), tries in by_slot.items()
    ]
    first = {lane.machine or lane.worker: lane.since for lane in sorted(found, key=lambda lane: -lane.since)}
    return sorted(found, key=lambda lane: (first[lane.machine or lane.worker], lane.machine, lane.worker, lane.slot))


def _lane(worker: str, slot: str, known: Machine | None, machine: str, tries: list[Try], record: RunRecord) -> Lane:
    first, last = _start(tries[0]), max(_end(one) for one in tries)
    since = min(known.joined if known and known.joined is not None else first, first)
    until = known.gone if known and known.gone is not None else record.ended
    return Lane(worker, slot, machine, max(since, record.began), max(min(until, record.ended), last), tries)


def _start(one: Try) -> float:
    return one.started if one.started is not None else 0.0


def _end(one: Try) -> float:
    return one.ended if one.ended is not None else _start(one)


@dataclass(frozen=True)
class Explanation:
    """What set the time of a run: its parts in seconds, which add up to the makespan, and the tries of the chain.

    `for_slot` is how many of them waited for a slot, the others for a job before them.
    """

    parts: Mapping[str, float]
    chain: Sequence[Try]
    for_slot: int


def explanation(record: RunRecord) -> Explanation:
    """From the try that ended last back to the beginning: each waited for a job before it, or for its slot.

    Clocks of machines differ a little, so each piece ends at the latest where the next one begins.
    """
    parts = dict.fromkeys(PARTS, 0.0)
    if not record.tries:
        return Explanation({**parts, BEFORE: record.makespan}, (), 0)
    cause = _Causes(record)
    one: Try | None = max(record.tries, key=lambda one: (_end(one), one.number))
    chain, for_slot, at = [], 0, record.ended
    gap = AFTER
    while one is not None:
        parts[gap] += max(0.0, at - _end(one))
        at = min(at, _end(one))
        begin = max(min(at, _start(one)), record.began)
        for part, seconds in _pieces(one, at - begin).items():
            parts[part] += seconds
        at, gap = begin, QUEUE
        chain.append(one)
        one, is_slot = cause.of(one)
        for_slot += is_slot
    parts[BEFORE] += max(0.0, at - record.began)
    return Explanation(parts, chain[::-1], for_slot)


def _pieces(one: Try, seconds: float) -> dict[str, float]:
    """The stages of a try, and what is left of its time for its executor."""
    stages = {FETCHING: one.stage_in, PROGRAMS: one.execution, STORING: one.stage_out}
    measured = {part: stage.seconds if stage else 0.0 for part, stage in stages.items()}
    together = sum(measured.values())
    if together > seconds:
        return {part: value * seconds / together for part, value in measured.items()}
    return {**measured, EXECUTOR: seconds - together}


class _Causes:
    """What each try waited for."""

    def __init__(self, record: RunRecord) -> None:
        self._jobs = {job.number: job for job in record.jobs}
        self._before: dict[int, Try] = {}
        for lane in lanes(record):
            self._before |= {id(later): earlier for earlier, later in pairwise(lane.tries)}
        self._seen: set[int] = set()

    def of(self, one: Try) -> tuple[Try | None, bool]:
        """The try that ended last before this one could begin, and whether it only had its slot."""
        self._seen.add(id(one))
        waited = [(other, False) for other in [*self._parents(one), *self._earlier(one)]]
        if id(one) in self._before:
            waited.append((self._before[id(one)], True))
        new = [(other, is_slot) for other, is_slot in waited if id(other) not in self._seen]
        # Of a job before it that had the same slot, the job counts: it stands first.
        return max(new, key=lambda entry: _end(entry[0]), default=(None, False))

    def _parents(self, one: Try) -> Iterable[Try]:
        job = self._jobs.get(one.number)
        for parent in job.parents if job else ():
            last = self._jobs[parent].last if parent in self._jobs else None
            if last and last.ended is not None and last.started is not None:
                yield last

    def _earlier(self, one: Try) -> Iterable[Try]:
        """The try before this one of the same job."""
        job = self._jobs.get(one.number)
        timed = [other for other in (job.tries if job else ()) if other.ended is not None and other.started is not None]
        yield from (before for before, after in pairwise(timed) if after is one)


@dataclass(frozen=True)
class Program:
    """The jobs of one program: the times of their last tries in seconds, and what they used; None if not measured."""

    name: str
    jobs: int
    mean: float
    median: float
    most_of_them: float
    """95 of 100 jobs took no longer."""
    longest: float
    together: float
    share: float
    processor: float | None
    """Processor seconds by seconds of the programs: 1 is one busy core."""
    resident_bytes: int | None
    fetched: int
    stored: int


def programs(record: RunRecord) -> list[Program]:
    """The programs in the order in which they first ran."""
    by_name: dict[str, list[Try]] = defaultdict(list)
    names = {job.number: job.program for job in record.jobs}
    lasts = {id(job.last) for job in record.jobs}
    for one in record.tries:
        if id(one) in lasts:
            by_name[names[one.number]].append(one)
    total = sum(one.seconds for tries in by_name.values() for one in tries)
    return [_program(name, tries, total) for name, tries in by_name.items()]


def _program(name: str, tries: list[Try], total: float) -> Program:
    seconds = sorted(one.seconds for one in tries)
    executing = [(one.processor_seconds, one.execution.seconds) for one in tries if one.execution]
    measured = [(used, time) for used, time in executing if used is not None]
    time = sum(seconds for _, seconds in measured)
    memory = [one.resident_bytes for one in tries if one.resident_bytes is not None]
    return Program(
        name=name,
        jobs=len(tries),
        mean=fmean(seconds),
        median=median(seconds),
        most_of_them=seconds[ceil(0.95 * len(seconds)) - 1],
        longest=seconds[-1],
        together=sum(seconds),
        share=sum(seconds) / total if total else 0.0,
        processor=sum(used for used, _ in measured) / time if time else None,
        resident_bytes=max(memory, default=None),
        fetched=sum(one.stage_in.bytes for one in tries if one.stage_in),
        stored=sum(one.stage_out.bytes for one in tries if one.stage_out),
    )


def longest_chain(record: RunRecord) -> list[Try]:
    """The tries of the jobs that could only run one after the other and took longest together."""
    lasts = {job.number: job.last for job in record.jobs}
    parents = {job.number: [parent for parent in job.parents if parent in lasts] for job in record.jobs}
    until: dict[int, tuple[float, int | None]] = {}
    for number in TopologicalSorter(parents).static_order():
        last = lasts[number]
        before = max(((until[parent][0], parent) for parent in parents[number]), default=(0.0, None))
        until[number] = (before[0] + (last.seconds if last else 0.0), before[1])
    number_or_none = max(until, key=lambda number: until[number][0], default=None)
    chain = []
    while number_or_none is not None:
        chain.append(lasts[number_or_none])
        number_or_none = until[number_or_none][1]
    return [one for one in chain[::-1] if one is not None and one.seconds]


@dataclass(frozen=True)
class Use:
    """A machine of the run: how many jobs it ran, the share of its paid slot seconds that jobs used, and its cost.

    What it was paid for counts from the beginning of the run.
    """

    machine: Machine
    jobs: int
    boot: float | None
    paid: float | None
    used: float | None
    cost: float | None


def uses(record: RunRecord) -> list[Use]:
    """The machines that are written down, else those that jobs name, in the order in which they came."""
    tries: dict[str, list[Try]] = defaultdict(list)
    for one in record.tries:
        tries[one.machine or one.worker].append(one)
    known = {machine.id for machine in record.machines}
    others = [Machine(name) for name in sorted(tries.keys() - known) if name]
    machines = sorted([*record.machines, *others], key=lambda one: one.launched if one.launched is not None else 0.0)
    return [_use(machine, tries[machine.id], record) for machine in machines]


def _use(machine: Machine, tries: Sequence[Try], record: RunRecord) -> Use:
    gone = machine.gone if machine.gone is not None else record.ended
    paid = None if machine.launched is None else max(0.0, gone - max(machine.launched, record.began))
    slots = machine.slots or len({(one.worker, one.slot) for one in tries})
    used = sum(one.seconds for one in tries) / (slots * paid) if slots and paid else None
    cost = paid * machine.price / SECONDS_PER_HOUR if paid is not None and machine.price is not None else None
    return Use(machine, len({one.number for one in tries}), _boot(machine, tries, record), paid, used, cost)


def _boot(machine: Machine, tries: Sequence[Try], record: RunRecord) -> float | None:
    """From the launch to when it could work, or worked first; None if it was there before the run."""
    worked = machine.joined if machine.joined is not None else min(map(_start, tries), default=None)
    if worked is None or machine.launched is None or machine.launched < record.began:
        return None
    return worked - machine.launched


def cost(record: RunRecord) -> float | None:
    """What the machines cost together in US dollars; None if the price of one is unknown, or none is written down."""
    costs = [use.cost for use in uses(record)]
    known = [cost for cost in costs if cost is not None]
    return sum(known) if known and len(known) == len(costs) else None


def slowest(jobs: Iterable[Job], most: int) -> list[Job]:
    """The jobs whose last tries took longest."""
    timed = [job for job in jobs if job.last and job.last.seconds]
    return sorted(timed, key=lambda job: -(job.last.seconds if job.last else 0.0))[:most]
