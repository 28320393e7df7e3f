"""A run in sentences and numbers, and two runs side by side."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from hfecs.record import figures
from hfecs.record.model import RunRecord
from hfecs.record.words import duration, money, percent

SAME = 0.05
"""Times that differ by less than this share are called the same."""


def summary(record: RunRecord) -> dict[str, Any]:
    """The figures of a run: times in seconds, sizes in bytes, cost in US dollars; null is unknown."""
    explained = figures.explanation(record)
    return {
        "run": record.run,
        "workflow": record.workflow,
        "status": record.status,
        "began": record.began,
        "ended": record.ended,
        "makespan": record.makespan,
        "jobs": len(record.jobs),
        "done": sum(job.has_succeeded for job in record.jobs),
        "tried_again": sum(max(0, len(job.tries) - 1) for job in record.jobs),
        "fetched": sum(one.stage_in.bytes for one in record.tries if one.stage_in),
        "stored": sum(one.stage_out.bytes for one in record.tries if one.stage_out),
        "what_set_the_time": dict(explained.parts),
        "longest_chain": sum(one.seconds for one in figures.longest_chain(record)),
        "programs": [asdict(program) for program in figures.programs(record)],
        "machines": [{**asdict(use), "machine": asdict(use.machine)} for use in figures.uses(record)],
        "cost": figures.cost(record),
        "facts": dict(record.facts),
    }


def sentences(record: RunRecord) -> Iterator[str]:
    """The same in words."""
    done = sum(job.has_succeeded for job in record.jobs)
    took = "so far" if record.status == "running" else "took"
    yield f"Run {record.run} of {record.workflow}: {record.status}, {done:,} of {len(record.jobs):,} jobs done"
    yield f"  {took} {duration(record.makespan)}; machines cost {money(figures.cost(record))}"
    if record.error:
        yield f"  {record.error}"
    if not record.tries:
        return
    explained = figures.explanation(record)
    parts = sorted(((seconds, part) for part, seconds in explained.parts.items() if seconds > 0), reverse=True)
    whole = record.makespan or 1.0
    told = ", ".join(f"{part} {duration(seconds)} ({percent(seconds / whole)})" for seconds, part in parts)
    yield f"  what set the time: {told}"
    chain = figures.longest_chain(record)
    together = duration(sum(one.seconds for one in chain))
    yield f"  longest chain of jobs: {len(chain):,} one after the other, {together}"


@dataclass(frozen=True)
class Compared:
    """Seconds in two runs; None where one of them has no such thing."""

    what: str
    before: float | None
    after: float | None

    @property
    def word(self) -> str:
        """What has become of it."""
        if self.before is None:
            return "new"
        if self.after is None:
            return "gone"
        if abs(self.after - self.before) <= SAME * max(self.before, self.after):
            return "same"
        if not self.before:
            return "slower"
        return f"{'slower' if self.after > self.before else 'faster'}, {self.after / self.before:.2f} of the time"


def comparison(before: RunRecord, after: RunRecord) -> list[Compared]:
    """The makespan, its parts, and the mean of each program, those that changed most first."""
    parts = figures.explanation(before).parts, figures.explanation(after).parts
    whole = [Compared("makespan", before.makespan, after.makespan)]
    set_by = [
        Compared(part, parts[0][part], parts[1][part]) for part in figures.PARTS if parts[0][part] or parts[1][part]
    ]
    means = tuple({one.name: one for one in figures.programs(record)} for record in (before, after))
    names = dict.fromkeys([*means[0], *means[1]])
    by_program = [Compared(f"{name}, mean", _mean(means[0], name), _mean(means[1], name)) for name in names]
    return [*whole, *set_by, *sorted(by_program, key=lambda one: -abs((one.after or 0.0) - (one.before or 0.0)))]


def _mean(programs: dict[str, figures.Program], name: str) -> float | None:
    return programs[name].mean if name in programs else None
