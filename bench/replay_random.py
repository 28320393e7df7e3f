"""Workflows that nobody tuned anything on: variations of a trace, and graphs made by chance."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace

from replay_trace import Trace

from hfecs.lookahead.forecast import Graph


def variations(trace: Trace) -> Iterator[Trace]:
    """Yield the trace with times of another scale, and a graph by chance with its number of jobs."""
    for factor in (0.5, 3.0):
        seconds = tuple(second * factor for second in trace.seconds)
        yield replace(trace, name=f"{trace.name}, times x {factor:g}", seconds=seconds)
    yield levels(f"by chance, as many jobs as {trace.name}", len(trace.seconds), seed=len(trace.seconds))


def levels(name: str, jobs: int, seed: int) -> Trace:
    """A workflow of three to six levels, each with a program of its own; a job waits for some of the level before."""
    chance = random.Random(seed)
    shares = [chance.random() ** 2 + 0.01 for _ in range(chance.randint(3, 6))]
    widths = [max(1, round(jobs * share / sum(shares))) for share in shares]
    programs: list[str] = []
    before: list[set[int]] = []
    seconds: list[float] = []
    earlier: range = range(0)
    for level, width in enumerate(widths):
        usual = chance.lognormvariate(3, 1)
        first = len(programs)
        for _ in range(width):
            programs.append(f"level{level}")
            before.append(set(chance.sample(earlier, min(len(earlier), chance.randint(1, 4)))))
            seconds.append(usual * chance.lognormvariate(0, 0.3))
        earlier = range(first, len(programs))
    return Trace(name, Graph(programs, before), tuple(seconds))
