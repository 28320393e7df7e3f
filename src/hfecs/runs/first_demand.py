"""The demand of a run before its engine reports it: worker machines boot while the engine's machine boots.

If another run's demand already holds the alarm, the alarm is reset, so that it acts again for this run.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from hfecs.aws.cloudwatch import NAMESPACE
from hfecs.aws.errors import expected_errors, explain, ignoring
from hfecs.lookahead import handover
from hfecs.lookahead.forecast import Machines
from hfecs.lookahead.graph import run_graph
from hfecs.lookahead.job_times import Times, read_times, times_key
from hfecs.lookahead.metric import DemandMetric, Periods
from hfecs.lookahead.planner import Planner

if TYPE_CHECKING:
    from hfecs.aws.clients import Cloud
    from hfecs.blueprints.lookahead import Ahead, Announce
    from hfecs.blueprints.run import Run
    from hfecs.workflow import Workflow


ENDING_SECONDS = 10.0
"""How long to wait for a call in progress."""

Clock = Callable[[], float]
"""Returns the seconds since 1970."""

NOTHING_KEPT = ("NoSuchKey", "NoSuchBucket", "404", "AccessDenied", "403")

SETTLING_SECONDS = 3.0
"""Seconds after a period until CloudWatch has everything reported in it."""

Later = Callable[[float, Callable[[], None]], Any]
"""Calls a function after this many seconds."""


def timer(seconds: float, call: Callable[[], None]) -> None:
    """Call it in a thread, if the command is still running by then."""
    thread = threading.Timer(seconds, call)
    thread.daemon = True
    thread.start()


class AlarmReset:
    """The demand alarm, which another run may hold in ALARM: it acts when it enters ALARM, then once a minute."""

    def __init__(self, cloud: Cloud, name: str, say: Callable[[str], object], later: Later) -> None:
        self._cloud = cloud
        self._name = name
        self._say = say
        self._later = later
        self._since = datetime.now(UTC)
        self._left = False

    def told(self, seconds: float) -> None:
        """The run has reported its demand, in a period that ends in this many seconds: then reset the alarm."""
        self._since = datetime.now(UTC)
        self._later(seconds + SETTLING_SECONDS, self.begin_anew)

    def leave(self) -> None:
        """Leave the alarm alone from now on."""
        self._left = True

    def begin_anew(self) -> None:
        """If ALARM began before the demand was reported, reset it: re-entering, it acts on the demand of all runs."""
        try:
            if not self._left and self._is_older():
                reason = "another run has started"
                self._cloud.cloudwatch.set_alarm_state(AlarmName=self._name, StateValue="OK", StateReason=reason)
        except expected_errors() as error:
            known = explain(error)
            self._say(f"  machines for this run start in a minute, not at once: {known.message if known else error}")

    def _is_older(self) -> bool:
        told = self._cloud.cloudwatch.describe_alarms(AlarmNames=[self._name])["MetricAlarms"]
        began: list[Any] = [
            alarm.get("StateTransitionedTimestamp") or alarm["StateUpdatedTimestamp"]
            for alarm in told
            if alarm["StateValue"] == "ALARM"
        ]
        return any(when < self._since for when in began)


@contextmanager
def announcing(
    cloud: Cloud,
    workflow: Workflow,
    run: Run,
    say: Callable[[str], object],
    later: Later = timer,
    clock: Clock = time.time,
) -> Iterator[Announce]:
    """Return how to announce a run of this workflow: its demand is reported until its engine reports, or this ends.

    The job times of earlier runs are read from the bucket.
    """
    with ExitStack() as end:

        def announce(ahead: Ahead) -> Callable[[], Mapping[str, str]]:
            alarm = AlarmReset(cloud, ahead.alarm, say, later)
            first = FirstDemand(cloud, workflow, run, ahead, clock)
            teller = Teller(first, alarm.told, say)
            end.callback(alarm.leave)
            end.callback(teller.end)
            teller.start()
            return first.environment

        yield announce


class FirstDemand:
    """The demand of a run while only its graph and the job times of earlier runs are known."""

    def __init__(self, cloud: Cloud, workflow: Workflow, run: Run, ahead: Ahead, clock: Clock) -> None:
        self._cloud = cloud
        self._workflow = workflow
        self._run = run
        self._ahead = ahead
        self._clock = clock
        self._began = clock()
        self._ordered = 0
        self._last = int((self._began + handover.LONGEST_START_SECONDS) // ahead.period)
        self.periods = Periods(ahead.period, clock)

    def environment(self) -> dict[str, str]:
        """What the engine agent is given: when the run started, and the machines requested since."""
        return {"BEGAN": f"{self._began:.3f}", "ORDERED": str(self._ordered)}

    def planned(self) -> Callable[[], int]:
        """Reports the current demand; returns the number of its period."""
        ahead = self._ahead
        machines = Machines(ahead.slots, float(ahead.boot_seconds), ahead.most)
        times = Times(read_times(self._kept(times_key(self._workflow.name))))
        planner = Planner(run_graph(self._workflow).graph, machines, times)
        planner.workers(ahead.workers, 0.0)
        metric = DemandMetric(self._cloud.cloudwatch, NAMESPACE, ahead.cluster, self.periods)

        def put() -> int:
            slots = planner.demand(self._clock() - self._began)
            self._ordered = planner.on_order
            return metric.put(slots)

        return put

    def handed_over(self) -> bool:
        """Whether the engine reports the current period, or has had half an hour to."""
        first = handover.read(self._kept(handover.key(self._run.name)))
        return self.periods.now() >= (self._last if first is None else min(first, self._last))

    def _kept(self, key: str) -> str:
        """The object in the bucket; empty if there is none."""
        with ignoring(*NOTHING_KEPT):
            answer = self._cloud.s3.get_object(Bucket=self._run.bucket, Key=key)
            return answer["Body"].read().decode("utf-8", errors="replace")
        return ""


class Teller:
    """Reports the first demand to CloudWatch in each period, in a thread, until the engine does or it is stopped."""

    def __init__(self, first: FirstDemand, told: Callable[[float], object], say: Callable[[str], object]) -> None:
        """`told` is called once the first demand is reported, with the seconds until its period ends."""
        self._first = first
        self._told = told
        self._say = say
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._tell, name="first demand", daemon=True)

    def start(self) -> None:
        """Start reporting."""
        self._thread.start()

    def end(self) -> None:
        """Stop reporting."""
        self._end.set()
        self._thread.join(ENDING_SECONDS)

    def _tell(self) -> None:
        periods = self._first.periods
        try:
            put = self._first.planned()
            self._told(periods.until_over(put()))
            while not self._end.wait(periods.until_next()) and not self._first.handed_over():
                put()
        except expected_errors() as error:
            known = explain(error)
            reason = known.message if known else str(error)
            self._say(f"  the demand could not be reported, so machines start once the engine runs: {reason}")
