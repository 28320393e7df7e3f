"""The engine's view of a run so far, and the resulting demand for job slots."""

from __future__ import annotations

from hfecs.lookahead.forecast import Graph, Machines, Progress, demand
from hfecs.lookahead.job_times import Times

ORDER_SECONDS = 10.0
"""Seconds until a metric leads to an order of machines: the alarm looks every ten seconds."""

PLAN_SECONDS = 20.0
MANY_JOBS = 500
"""With more jobs left than this, a plan is kept this long unless workers come or go: each takes a second then."""


class Planner:
    """Notified of job starts and ends and of the number of workers; times in seconds since the run started."""

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
        self._planned = -PLAN_SECONDS
        self._wanted = 0
        self._forecast: int | None = None

    def started(self, job: int, now: float) -> None:
        """A worker has started a job."""
        self._running[job] = now

    def finished(self, job: int, now: float) -> None:
        """A job has succeeded."""
        since = self._running.pop(job, None)
        self._done.add(job)
        if since is not None:
            self._times.learn(self._graph.programs[job], now - since)

    def returned(self, job: int) -> None:
        """The job was returned or failed, so it must run again."""
        self._running.pop(job, None)

    def over(self, job: int) -> None:
        """A job will not run any more, or finished unseen: nothing is learnt from it."""
        self._running.pop(job, None)
        self._done.add(job)

    def ordered(self, machines: int, now: float) -> None:
        """Somebody has ordered machines for this run."""
        self._ordered += [now + ORDER_SECONDS + self._machines.boot] * machines

    @property
    def on_order(self) -> int:
        """The machines that were ordered and have not arrived."""
        return len(self._ordered)

    def workers(self, count: int, now: float) -> None:
        """This many workers take jobs: of the ordered machines, the oldest have arrived."""
        self._paid += (self._workers + len(self._ordered)) * (now - self._looked)
        self._looked = now
        come = max(0, count - self._workers)
        if count != self._workers:
            self._planned = -PLAN_SECONDS
        late = now - self._machines.boot
        self._ordered = [expected for expected in self._ordered[come:] if expected > late]
        self._workers = count

    def demand(self, now: float) -> int:
        """The job slots needed now; none when all jobs are done."""
        left = len(self._graph.programs) - len(self._done)
        if not left:
            return 0
        if left > MANY_JOBS and now < self._planned + PLAN_SECONDS:
            return self._wanted
        arrivals = [now] * self._workers + [max(now, expected) for expected in self._ordered]
        progress = Progress(now, self._done, self._running, arrivals, self._paid)
        forecast = demand(self._graph, progress, self._times, self._machines)
        # A program that has just started is soon better known: raise the demand only if a second plan agrees.
        before = forecast if self._forecast is None else self._forecast
        self._planned, self._forecast, self._wanted = now, forecast, min(forecast, before)
        missing = -(-self._wanted // self._machines.slots) - len(arrivals)
        self.ordered(missing, now)
        return self._wanted
