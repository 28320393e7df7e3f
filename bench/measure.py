"""One run of one tool against the emptied stand-in, and many of them as numbers."""

from __future__ import annotations

import shutil
import statistics
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from calls import Call, by_operation, longest_chain, read, seconds_without_calls
from cloud import Cloud
from tools import PHASES, Tool, run


@dataclass(frozen=True)
class Phase:
    """One command as it was measured; times are seconds of the monotonic clock."""

    start: float
    end: float
    calls: list[Call]
    standing: dict[str, int]

    @property
    def seconds(self) -> float:
        """The wall time of the whole process."""
        return self.end - self.start

    @property
    def chain(self) -> list[Call]:
        """The longest chain of calls."""
        return longest_chain(self.calls)

    @property
    def changing(self) -> int:
        """The number of changing calls."""
        return sum(call.changing for call in self.calls)

    @property
    def own_seconds(self) -> float:
        """The time in which no call was under way."""
        return seconds_without_calls(self.calls, self.start, self.end)


def run_once(tool: Tool, cloud: Cloud, scratch: Path) -> dict[str, Phase]:
    """Empty the stand-in and run the tool's commands in a fresh directory; return the phases by name."""
    cloud.empty()
    directory = Path(tempfile.mkdtemp(dir=scratch, prefix="run-"))
    if tool.files:
        shutil.copytree(tool.files, directory, dirs_exist_ok=True)
    phases = {}
    for name in PHASES:
        start, end = run(tool.commands[name], directory, tool.environment)
        phases[name] = Phase(start, end, read(cloud.log, start, end), cloud.standing())
    return phases


def median_phase(phases: Iterable[Phase]) -> Phase:
    """Return the phase whose time is the median; of two in the middle the faster one."""
    phases = list(phases)
    middle = statistics.median_low([phase.seconds for phase in phases])
    return next(phase for phase in phases if phase.seconds == middle)


def as_data(runs: list[dict[str, Phase]]) -> dict[str, Any]:
    """Return the runs of a tool as data for a JSON file: all times, and the details of the median run of each phase."""
    return {name: _phase_data([phases[name] for phases in runs]) for name in PHASES}


def _phase_data(phases: list[Phase]) -> dict[str, Any]:
    median = median_phase(phases)
    return {
        "seconds": [round(phase.seconds, 3) for phase in phases],
        "median": round(median.seconds, 3),
        "calls": len(median.calls),
        "changing": median.changing,
        "chain": len(median.chain),
        "seconds_without_calls": round(median.own_seconds, 3),
        "standing": median.standing,
        "operations": {name: number for name, number, _ in by_operation(median.calls)},
    }
