"""What is replayed: the jobs of a workflow, what they wait for, and the seconds that they take."""

from __future__ import annotations

import gzip
import json
import random
from collections import deque
from dataclasses import dataclass, replace
from heapq import heappop, heappush
from pathlib import Path
from typing import Any

from hfecs.lookahead.forecast import Graph

TRACES = Path(__file__).parent / "traces"


@dataclass(frozen=True)
class Trace:
    """A workflow that ran once: the seconds of each job of its graph."""

    name: str
    graph: Graph
    seconds: tuple[float, ...]

    def learnt(self) -> dict[str, tuple[int, float]]:
        """What a run of it teaches: number of jobs and sum of their seconds, by program."""
        seen: dict[str, tuple[int, float]] = {}
        for program, seconds in zip(self.graph.programs, self.seconds, strict=True):
            count, total = seen.get(program, (0, 0.0))
            seen[program] = count + 1, total + seconds
        return seen

    def earlier_run(self, seed: int, spread: float = 0.2) -> Trace:
        """The same workflow on another day: all its times are off by about `spread`, each program's in its own way."""
        chance = random.Random(f"{self.name} {seed}")
        of_day = {program: chance.lognormvariate(0, spread / 2) for program in sorted(set(self.graph.programs))}
        seconds = tuple(
            seconds * of_day[program] * chance.lognormvariate(0, spread)
            for program, seconds in zip(self.graph.programs, self.seconds, strict=True)
        )
        return replace(self, seconds=seconds)


def read(path: Path) -> Trace:
    """Read a trace: JSON, gzipped or not, with `jobs` of id, program, seconds and parents."""
    data = path.read_bytes()
    jobs = json.loads(gzip.decompress(data) if path.suffix == ".gz" else data)["jobs"]
    return from_jobs(path.name.removesuffix(".gz").removesuffix(".json"), jobs)


def from_jobs(name: str, jobs: list[dict[str, Any]]) -> Trace:
    """The trace of jobs that name their parents."""
    number = {job["id"]: index for index, job in enumerate(jobs)}
    before = [sorted({number[parent] for parent in job["parents"]}) for job in jobs]
    graph = Graph([job["program"] for job in jobs], before)
    return Trace(name, graph, tuple(float(job["seconds"]) for job in jobs))


def ideal_seconds(trace: Trace, slots: int) -> float:
    """The makespan on so many slots that are there from the start: jobs begin in the order in which they get ready."""
    waits = [len(earlier) for earlier in trace.graph.before]
    ready = deque(job for job, count in enumerate(waits) if not count)
    ends: list[tuple[float, int]] = []
    now = 0.0
    while ready or ends:
        while ready and len(ends) < slots:
            job = ready.popleft()
            heappush(ends, (now + trace.seconds[job], job))
        now, job = heappop(ends)
        for later in trace.graph.after[job]:
            waits[later] -= 1
            if not waits[later]:
                ready.append(later)
    return now


def longest_path(trace: Trace) -> float:
    """The seconds of the longest chain of jobs: no number of machines is faster."""
    return ideal_seconds(trace, len(trace.seconds))
