"""The engine agent reports to CloudWatch how many job slots its run can use, in each period until the run ends.

It knows the workflow's graph, follows the events of jobs and the engine's journal, and learns how long the jobs of each
program take. What it has learned is kept in the bucket for later runs of the same workflow.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from hfecs.agents.common import environment
from hfecs.agents.common.attempts import Attempts
from hfecs.agents.common.environment import Environment
from hfecs.agents.common.object_store import ObjectStore
from hfecs.agents.engine.broker import Event, JobListener
from hfecs.agents.engine.journal import Journal
from hfecs.aws.cloudwatch import NAMESPACE
from hfecs.errors import AwsFailed
from hfecs.lookahead import handover
from hfecs.lookahead import metric as demand_metric
from hfecs.lookahead.forecast import Machines
from hfecs.lookahead.graph import RunGraph, run_graph
from hfecs.lookahead.job_times import Times, read_times, times_key, written_times
from hfecs.lookahead.metric import DemandMetric, Periods
from hfecs.lookahead.planner import Planner
from hfecs.record.model import Moment
from hfecs.workflow import Workflow

log = logging.getLogger(__name__)

LISTENING_SECONDS = 10.0
"""So long the first jobs wait until they are listened to."""


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
        self._executors: int | None = None

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
            self._executors = executors
            self._planner.workers(executors, self._clock())

    @property
    def executors(self) -> int | None:
        """How many executors take jobs; None as long as nobody has counted them."""
        return self._executors

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


@dataclass(frozen=True)
class Settings:
    """What there is to plan with; `began` is when `hfecs run` did, which has ordered so many machines since."""

    cluster: str
    period: int
    machines: Machines
    began: float
    ordered: int

    @classmethod
    def from_environment(cls, environ: Environment) -> Settings | None:
        """Read CLUSTER_NAME, DEMAND_PERIOD, SLOTS, BOOT_SECONDS, MACHINES, BEGAN and ORDERED; None without a period."""
        if not environ.get("DEMAND_PERIOD"):
            return None
        slots, most = (environment.positive_integer(environ, name, 1) for name in ("SLOTS", "MACHINES"))
        return cls(
            cluster=environment.required(environ, "CLUSTER_NAME"),
            period=environment.positive_integer(environ, "DEMAND_PERIOD", 10),
            machines=Machines(slots, environment.seconds(environ, "BOOT_SECONDS", 150.0), most),
            began=environment.seconds(environ, "BEGAN", time.time()),
            ordered=int(environment.seconds(environ, "ORDERED", 0.0)),
        )


class Report:
    """Tells the demand of a run in each period, until it is ended."""

    def __init__(
        self,
        progress: RunProgress,
        ended: Callable[[], Ended],
        metric: DemandMetric,
        periods: Periods,
        note: Callable[[Moment], object] = lambda _: None,
    ) -> None:
        """`note` is called with what is told."""
        self._note = note
        self._progress = progress
        self._ended = ended
        self._metric = metric
        self._periods = periods
        self._attempts = Attempts()
        self._end = threading.Event()

    def start(self, first: int) -> None:
        """Tell in a thread, from this period on: those before it are told by `hfecs run`."""
        threading.Thread(target=self._run, args=(first,), name="demand", daemon=True).start()

    def _run(self, first: int) -> None:
        while not self._end.wait(self._periods.until_next()):
            if self._periods.now() >= first:
                self.tell()

    def tell(self) -> None:
        """Tell once."""
        slots = self._progress.demand(self._ended())
        self._note(Moment(round(time.time(), 1), self._progress.executors, slots))
        self._attempts.make("CloudWatch, for the demand", lambda: self._metric.put(slots))

    def end(self) -> None:
        """Tell no more: what nobody tells is none."""
        self._end.set()


class Run(Protocol):
    """A run whose demand is told, as the engine agent's settings have it."""

    @property
    def run(self) -> str:
        """Its name."""

    @property
    def broker(self) -> str:
        """The broker's address, with its account."""

    @property
    def queue(self) -> str:
        """The queue of the jobs."""

    @property
    def bucket(self) -> str:
        """Where its files are."""


@contextmanager
def reported(
    told: Run,
    workflow: Workflow,
    objects: ObjectStore,
    journal: Journal,
    environ: Environment,
    note: Callable[[Moment], object] = lambda _: None,
) -> Iterator[None]:
    """Tell the demand of a run meanwhile, if alarms look at it, and note it; keep the times of its jobs afterwards."""
    settings = Settings.from_environment(environ)
    if settings is None:
        yield
        return
    periods, times = Periods(settings.period), Times(_earlier(objects, told.bucket, workflow))
    graph = run_graph(workflow)
    planner = Planner(graph.graph, settings.machines, times)
    # More than the longest start is a clock that goes wrong.
    before = min(max(0.0, time.time() - settings.began), handover.LONGEST_START_SECONDS)
    since = time.monotonic() - before
    planner.ordered(settings.ordered, 0.0)
    view = RunProgress(told.run, graph, planner, lambda: time.monotonic() - since)
    listener = JobListener(told.broker, told.queue, view.heard, view.counted)
    lines = journal.length()

    def ended() -> Ended:
        return Ended(journal.done(), journal.failed(after=lines))

    metric = DemandMetric(demand_metric.client(), NAMESPACE, settings.cluster, periods)
    report = Report(view, ended, metric, periods, note)
    listener.start()
    listener.listening.wait(LISTENING_SECONDS)
    report.start(_taken_over(objects, told, periods))
    try:
        yield
    finally:
        report.end()
        _keep(objects, told.bucket, workflow, times)


def _taken_over(objects: ObjectStore, told: Run, periods: Periods) -> int:
    """Tell `hfecs run` from which period on the demand is told here."""
    first = handover.first_period(periods)
    try:
        objects.write(handover.written(first), told.bucket, handover.key(told.run), "application/json")
    except AwsFailed as error:
        log.warning("hfecs run goes on to tell the demand as well: %s", error)
    return first


def _earlier(objects: ObjectStore, bucket: str, workflow: Workflow) -> dict[str, tuple[int, float]]:
    key = times_key(workflow.name)
    try:
        return read_times(objects.read(bucket, key)) if key in objects.keys(bucket, key) else {}
    except AwsFailed as error:
        log.warning("begin without the times of earlier runs: %s", error)
        return {}


def _keep(objects: ObjectStore, bucket: str, workflow: Workflow, times: Times) -> None:
    try:
        objects.write(json.dumps(written_times(times), indent=2), bucket, times_key(workflow.name), "application/json")
    except AwsFailed as error:
        log.warning("the times of this run's jobs are not kept: %s", error)
