"""A workflow that passed its checks, and its numbers."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from graphlib import TopologicalSorter

from hfecs.workflow.document import Process, Signal


@dataclass(frozen=True)
class Workflow:
    """A directed acyclic graph of processes that hand files to each other; `ins` and `outs` are indices of signals."""

    name: str
    processes: tuple[Process, ...]
    signals: tuple[Signal, ...]
    ins: tuple[int, ...]
    outs: tuple[int, ...]
    notes: tuple[str, ...] = ()
    """What HyperFlow may heed, and hfecs passes over."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """The values that were filled in."""

    def jobs_by_program(self) -> dict[str, int]:
        """The number of jobs of each program, in the order in which the programs appear."""
        return dict(Counter(process.program for process in self.processes))

    def width(self) -> int:
        """The largest number of jobs at one depth: as many can run side by side, if each level ends together."""
        return max(Counter(self._depths).values())

    def longest_chain(self) -> int:
        """The number of jobs on the longest path: they can only run one after the other."""
        return max(self._depths)

    def inputs(self) -> list[str]:
        """The files that jobs read and no process writes: they must lie in input/."""
        written = set(self.files(index for process in self.processes for index in process.outs))
        read = self.files(index for process in self.processes if process.is_job for index in process.ins)
        return [name for name in read if name not in written]

    def outputs(self) -> list[str]:
        """The files of dag.json's `outs`; if it names none, all written by jobs and never read.

        What a function of the engine writes is data of signals, in no file.
        """
        written = self.files(index for process in self.processes if process.is_job for index in process.outs)
        if self.outs:
            data = set(self.files(index for process in self.processes for index in process.outs)).difference(written)
            return [name for name in self.files(self.outs) if name not in data]
        read = set(self.files(index for process in self.processes for index in process.ins))
        return [name for name in written if name not in read]

    def files(self, indices: Iterable[int | str]) -> list[str]:
        """The files of signals, each once, in order."""
        return list(dict.fromkeys(name for index in indices for name in self.signals[int(index)].file_names()))

    @cached_property
    def _depths(self) -> list[int]:
        """The depth of each process: 1 if it waits for no other."""
        before = predecessors(self.processes)
        depth = [0] * len(before)
        for number in TopologicalSorter(before).static_order():
            depth[number] = 1 + max((depth[earlier] for earlier in before[number]), default=0)
        return depth


def predecessors(processes: Sequence[Process]) -> dict[int, set[int]]:
    """The processes whose signals each process waits for, all by their numbers."""
    writers: dict[int | str, list[int]] = defaultdict(list)
    for number, process in enumerate(processes):
        for index in process.outs:
            writers[index].append(number)
    return {
        number: {writer for index in process.ins for writer in writers.get(index, ())}
        for number, process in enumerate(processes)
    }
