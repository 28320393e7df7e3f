"""The outlook of a run that goes on, told by events of the broker and by the engine's journal."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass

from hfecs.agents.engine.job_listener import Event
from hfecs.lookahead.graph import RunGraph
from hfecs.lookahead.planner import Planner


@dataclass(frozen=True)
class Ended:
    """The numbers of processes that are done, and of those that have failed for good."""

    done: Collection[int]
    failed: Collection[int]


class RunProgress:
    """The outlook of one run, told by the broker's events and by the engine's journal; any thread may do so."""

    def __init__(self, run: str, graph: RunGraph, planner: Planner, clock: Callable[[], float]) -> None:
        """`clock` has the seconds since the run began."""
        self._places = {f"{run}-{number}": place for number, place in graph.places.items()}
        self._graph = graph
        self._planner = planner
        self._clock = clock
        self._lock = threading.Lock()
        self._over: set[int] = set()

    def heard(self, event: Event) -> None:
        """A job of some run began or ended."""
        place = self._places.get(event.get("id", ""))
        with self._lock:
            if place is None or place in self._over:
                return
            if event.get("type", "").endswith(".started"):
                self._planner.started(place, self._clock())
            elif event.get("handed_back") or event.get("exit_status"):
                self._planner.returned(place)
            else:
                self._over.add(place)
                self._planner.finished(place, self._clock())

    def counted(self, executors: int) -> None:
        """So many executors take jobs."""
        with self._lock:
            self._planner.workers(executors, self._clock())

    def demand(self, ended: Ended) -> int:
        """The job slots worth having now; `ended` makes up for events that were not heard."""
        with self._lock:
            for place in self._graph.places_of(ended.failed):
                for lost in self._graph.behind(place):
                    self._strike(lost)
            for place in self._graph.places_of(ended.done):
                self._strike(place)
            return self._planner.demand(self._clock())

    def _strike(self, place: int) -> None:
        if place not in self._over:
            self._over.add(place)
            self._planner.over(place)
