"""A workflow for demand planning: its jobs, their programs, and their dependencies."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import PurePath

from hfecs.lookahead.forecast import Graph
from hfecs.workflow import Process, Workflow
from hfecs.workflow.graph import predecessors

INTERPRETERS = frozenset({"sh", "bash", "env", "python", "python3", "perl", "ruby", "Rscript", "java", "node"})
"""Interpreters, which say little about how long they take; their script does."""


@dataclass(frozen=True)
class RunGraph:
    """The graph of the jobs, and their indices by their numbers in the workflow, which start at 1."""

    graph: Graph
    places: dict[int, int]

    def places_of(self, numbers: Collection[int]) -> set[int]:
        """The indices of the processes that are jobs."""
        return {self.places[number] for number in numbers if number in self.places}

    def behind(self, place: int) -> Iterator[int]:
        """A job and everything that depends on it."""
        seen, waiting = {place}, [place]
        while waiting:
            job = waiting.pop()
            yield job
            later = [other for other in self.graph.after[job] if other not in seen]
            seen.update(later)
            waiting += later


def run_graph(workflow: Workflow) -> RunGraph:
    """The jobs of a workflow; engine functions take no time, so jobs after them depend on those before."""
    before = predecessors(workflow.processes)
    is_job = [process.is_job for process in workflow.processes]
    jobs = [index for index, job in enumerate(is_job) if job]
    places = {index: place for place, index in enumerate(jobs)}
    waits: dict[int, set[int]] = {}
    for index in TopologicalSorter(before).static_order():
        waits[index] = set[int]().union(*({places[n]} if is_job[n] else waits[n] for n in before[index]))
    programs = [program_of(workflow.processes[index]) for index in jobs]
    graph = Graph(programs, [waits[index] for index in jobs])
    return RunGraph(graph, {index + 1: place for index, place in places.items()})


def program_of(process: Process) -> str:
    """What jobs are grouped by: their program, with the script if it is an interpreter."""
    executor = process.config.executor
    name = PurePath(process.program).name
    if executor is None or name not in INTERPRETERS:
        return name
    args = executor.args.split() if isinstance(executor.args, str) else [str(word) for word in executor.args]
    script = next((word for word in args if not word.startswith("-")), "").split()
    return f"{name} {PurePath(script[0]).name}" if script else name
