"""The numbers of replays as text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import mean

from replay_run import HOUR, Result
from replay_trace import Trace, ideal_seconds, longest_path

HEAD = f"{'':<30}{'makespan':>9}{'hours':>8}{'used':>6}{'cost':>8}" + (
    f"{'hours x s':>11}{'to best':>9}{'peak':>6}{'till gone':>11}"
)


@dataclass(frozen=True)
class Row:
    """A policy's replays of one trace, one for each phase of the alarms."""

    name: str
    results: list[Result]
    fixed: bool = False

    @property
    def hours_times_seconds(self) -> float:
        return mean(result.hours_times_seconds for result in self.results)

    def line(self, best: float, price: float) -> str:
        makespan, hours, used, gone = (
            mean(getattr(result, name) for result in self.results)
            for name in ("makespan", "hours", "utilisation", "hours_until_gone")
        )
        peak = max(result.peak for result in self.results)
        product = self.hours_times_seconds
        numbers = f"{makespan:>7.0f} s{hours:>8.2f}{used:>6.0%}{hours * price:>8.2f}{product:>11.1f}"
        # A fixed cluster stays until a person ends it.
        until_gone = "" if self.fixed else f"{gone:>9.2f} h"
        return f"  {self.name:<28}{numbers}{product / best:>9.3f}{peak:>6}{until_gone}"


def lines(trace: Trace, fixed: list[Row], others: list[Row], price: float) -> Iterator[str]:
    """Yield the table of a trace: the fixed clusters, the best of them marked, and the policies."""
    best = min(fixed, key=lambda row: row.hours_times_seconds)
    yield f"{trace.name}: {len(trace.seconds)} jobs, {sum(trace.seconds) / HOUR:.2f} h of work"
    yield HEAD
    for row in fixed:
        yield row.line(best.hours_times_seconds, price) + ("  <- best fixed" if row is best else "")
    for row in others:
        yield row.line(best.hours_times_seconds, price)


def bound_line(trace: Trace, slots: int, most: int) -> str:
    """What nobody can go below: machines without boot, all of them from the start, and an unlimited number."""
    ideal, longest = ideal_seconds(trace, slots * most), longest_path(trace)
    hours = sum(trace.seconds) / HOUR / slots
    return (
        f"  lower bound: {ideal:.0f} s on {most} machines that need no boot (longest path {longest:.0f} s), "
        f"{hours:.2f} h with every slot in use"
    )
