"""What the engine side has seen of a run so far, and the demand for job slots that follows from it."""

from __future__ import annotations

from hfecs.agents.lookahead import Graph, Machines, Progress, Times, demand

ORDER_SECONDS = 10.0
"""Until a metric has led to an order of machines: the alarm looks every ten seconds (aws-behaviours, row 90)."""


class Outlook:
    """Told of each job that starts and ends and of the workers there are; times in seconds since the run began."""

    def __init__(self, graph: Graph, machines: Machines, times: Times) -> None:
        self._graph = graph
        self._machines = machines
        self._times = times
        self._done: set[int] = set()
        self._running: dict[int, float] = {}
        self._workers = 0
        self._ordered: list[float] = []
        self._paid = 0.0
        self._looked = 0.0

    def started(self, job: int, now: float) -> None:
        """A worker has begun a job."""
        self._running[job] = now

    def finished(self, job: int, now: float) -> None:
        """A job has ended well."""
        since = self._running.pop(job, None)
        self._done.add(job)
        if since is not None:
            self._times.learn(self._graph.programs[job], now - since)

    def workers(self, count: int, now: float) -> None:
        """So many workers take jobs: of the machines on order, the oldest have come."""
        self._paid += (self._workers + len(self._ordered)) * (now - self._looked)
        self._looked = now
        come = max(0, count - self._workers)
        late = now - self._machines.boot
        self._ordered = [expected for expected in self._ordered[come:] if expected > late]
        self._workers = count

    def demand(self, now: float) -> int:
        """The job slots worth having now."""
        arrivals = [now] * self._workers + [max(now, expected) for expected in self._ordered]
        progress = Progress(now, self._done, self._running, arrivals, self._paid)
        wanted = demand(self._graph, progress, self._times, self._machines)
        missing = -(-wanted // self._machines.slots) - len(arrivals)
        self._ordered += [now + ORDER_SECONDS + self._machines.boot] * missing
        return wanted
