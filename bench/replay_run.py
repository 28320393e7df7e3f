"""The replay of a run, event by event: jobs wait in the queue, workers take them, metrics are published."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from heapq import heappop, heappush

from replay_cloud import TICK, Cloud, Machine, Settings, Watch
from replay_trace import Trace

from hfecs.lookahead.forecast import Machines
from hfecs.lookahead.job_times import Times
from hfecs.lookahead.planner import Planner

HOUR = 3600.0
AFTERWARDS = HOUR  # of looking on after the last job, for the machines to go


@dataclass(frozen=True)
class Policy:
    """Who decides on the number of machines: alarms, or nobody if there are `machines` from the start."""

    name: str
    watches: tuple[Watch, ...] = ()
    machines: int = 0
    ahead: bool = False


@dataclass(frozen=True)
class Result:
    """A replayed run: seconds to the end of its last job, and hours of machines up to then and until all have gone."""

    makespan: float
    hours: float
    hours_until_gone: float
    work: float
    slots: int
    peak: int

    @property
    def hours_times_seconds(self) -> float:
        return self.hours * self.makespan

    @property
    def utilisation(self) -> float:
        """The part of the paid job slots that jobs used."""
        return self.work / (self.hours * HOUR * self.slots)


class Replay:
    """One run of a trace under a policy.

    It is announced `phase` seconds after a look of CloudWatch; `engine` seconds later its first jobs are in the queue.
    `earlier` is a run of the same workflow that the engine has learnt from.
    """

    def __init__(
        self,
        trace: Trace,
        policy: Policy,
        settings: Settings,
        *,
        phase: float = 0.0,
        engine: float = 0.0,
        earlier: Trace | None = None,
    ) -> None:
        self._trace = trace
        self._policy = policy
        self._settings = settings
        self._cloud = Cloud(settings, list(policy.watches), policy.machines)
        self._start = phase
        self._engine = phase + engine
        self._waits = [len(earlier) for earlier in trace.graph.before]
        self._ready: deque[int] = deque()
        self._left = len(trace.seconds)
        self._end = 0.0
        self._peak = 0
        self._events: list[tuple[float, int, Callable[[float], None]]] = []
        self._count = 0
        machines = Machines(settings.slots, settings.boot, settings.most)
        self._outlook = Planner(trace.graph, machines, Times(earlier.learnt() if earlier else None))

    def run(self) -> Result:
        """Run to the end, and until the machines have gone."""
        self._at(self._engine, self._begin)
        self._at(self._start, self._tell)
        self._at(self._start, self._follow)
        self._at(TICK, self._look)
        while self._left or self._events[0][0] < self._end + AFTERWARDS:
            now, _, act = heappop(self._events)
            act(now)
            if not self._left and not self._cloud.there():
                break
        return self._result()

    def _at(self, time: float, act: Callable[[float], None]) -> None:
        self._count += 1
        heappush(self._events, (time, self._count, act))

    def _begin(self, now: float) -> None:
        self._ready.extend(job for job, waits in enumerate(self._waits) if not waits)
        self._dispatch(now)

    def _tell(self, now: float) -> None:
        """The notifier's and the engine's values, every ten seconds."""
        workers = self._cloud.working(now)
        busy = sum(machine.busy for machine in workers)
        values: dict[str, float] = {"QueueLength": len(self._ready), "Backlog": len(self._ready) + busy}
        if self._policy.ahead:
            self._outlook.workers(len(workers), now - self._start)
            values["Demand"] = self._outlook.demand(now - self._start)
        self._cloud.publish(now, values)
        self._at(now + self._settings.notifier, self._tell)

    def _look(self, now: float) -> None:
        self._cloud.look(now)
        self._follow(now)
        self._at(now + TICK, self._look)

    def _follow(self, now: float) -> None:
        for machine in self._cloud.converge(now):
            self._at(machine.ready, self._dispatch)
        self._peak = max(self._peak, len(self._cloud.there()))

    def _dispatch(self, now: float) -> None:
        """Hand waiting jobs to free slots, to the workers in turn as the broker does."""
        while self._ready:
            free = [machine for machine in self._cloud.working(now) if machine.busy < self._settings.slots]
            if not free:
                return
            least = min(machine.busy for machine in free)
            machine = next(machine for machine in free if machine.busy == least)
            self._take(self._ready.popleft(), machine, now)

    def _take(self, job: int, machine: Machine, now: float) -> None:
        machine.busy += 1
        self._outlook.started(job, now - self._start)
        self._at(now + self._trace.seconds[job], lambda end: self._finish(job, machine, end))

    def _finish(self, job: int, machine: Machine, now: float) -> None:
        machine.busy -= 1
        machine.idle_since = now
        self._left -= 1
        self._end = now
        self._outlook.finished(job, now - self._start)
        for later in self._trace.graph.after[job]:
            self._waits[later] -= 1
            if not self._waits[later]:
                self._ready.append(later)
        self._dispatch(now)
        if not machine.busy:
            self._at(now + self._settings.idle, self._follow)

    def _result(self) -> Result:
        machines, settings = self._cloud.machines, self._settings
        hours = sum(machine.billed(self._end) for machine in machines) / HOUR
        until_gone = sum(machine.billed(self._end + AFTERWARDS) for machine in machines) / HOUR
        makespan = self._end - self._start
        return Result(makespan, hours, until_gone, sum(self._trace.seconds), settings.slots, self._peak)
