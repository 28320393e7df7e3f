"""The demand of a run while its own machine boots: the workers' machines boot beside it, not after it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from hfecs.agents.demand_metric import DemandMetric, Periods
from hfecs.agents.job_times import Times, read_times, times_key
from hfecs.agents.lookahead import Machines
from hfecs.agents.outlook import Outlook
from hfecs.agents.run_graph import run_graph
from hfecs.answers import answered_with, explain, foreseen

if TYPE_CHECKING:
    from hfecs.aws import Cloud
    from hfecs.blueprints.looking_ahead import Ahead, Announce
    from hfecs.workflow import Workflow

NAMESPACE = "hyperflow"

SETTLING_SECONDS = 3.0
"""After a period, until CloudWatch knows all that was told in it."""

ENDING_SECONDS = 10.0
"""So long a call that is on its way is waited for."""

Later = Callable[[float, Callable[[], None]], Any]
"""Has something done after so many seconds."""

NO_TIMES = ("NoSuchKey", "NoSuchBucket", "404", "AccessDenied", "403")


def _later(seconds: float, call: Callable[[], None]) -> None:
    timer = threading.Timer(seconds, call)
    timer.daemon = True
    timer.start()


def announcing(
    cloud: Cloud, workflow: Workflow, bucket: str, say: Callable[[str], object], later: Later = _later
) -> Announce:
    """How the run of this workflow is announced; the times of earlier runs lie in the bucket."""

    @contextmanager
    def announce(ahead: Ahead) -> Iterator[Callable[[], Mapping[str, str]]]:
        alarm = LastingAlarm(cloud, ahead.alarm, say, later)
        first = FirstDemand(cloud, workflow, bucket, ahead, alarm.told)
        first.start()
        try:
            with ExitStack() as without_a_run:
                without_a_run.callback(alarm.leave)
                yield first.environment
                without_a_run.pop_all()
        finally:
            first.end()
            if first.problem:
                say(f"  the demand could not be told, machines come when the engine is there: {first.problem}")

    return announce


class FirstDemand:
    """Tells CloudWatch the demand in each period, in a thread, until it is ended."""

    def __init__(
        self, cloud: Cloud, workflow: Workflow, bucket: str, ahead: Ahead, told: Callable[[float], object]
    ) -> None:
        """`told` is called once the first demand is told, with the seconds until the period is over that it is of."""
        self._cloud = cloud
        self._workflow = workflow
        self._bucket = bucket
        self._ahead = ahead
        self._told = told
        self._began = time.time()
        self._ordered = 0
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="first demand", daemon=True)
        self.problem = ""

    def start(self) -> None:
        """Tell from now on."""
        self._thread.start()

    def end(self) -> None:
        """Tell no more: the engine does."""
        self._end.set()
        self._thread.join(ENDING_SECONDS)

    def environment(self) -> dict[str, str]:
        """What the engine agent is told of it: when the run began, and the machines that were asked for since."""
        return {"BEGAN": f"{self._began:.3f}", "ORDERED": str(self._ordered)}

    def _run(self) -> None:
        try:
            self._tell()
        except foreseen() as error:
            known = explain(error)
            self.problem = known.message if known else str(error)

    def _tell(self) -> None:
        ahead, periods = self._ahead, Periods(self._ahead.period)
        machines = Machines(ahead.slots, float(ahead.boot_seconds), ahead.most)
        outlook = Outlook(run_graph(self._workflow).graph, machines, Times(self._earlier()))
        outlook.workers(ahead.workers, 0.0)
        metric = DemandMetric(self._cloud.cloudwatch, NAMESPACE, ahead.cluster, periods)

        def put() -> int:
            slots = outlook.demand(time.time() - self._began)
            self._ordered = outlook.on_order
            return metric.put(slots)

        self._told(periods.until_over(put()))
        while not self._end.wait(periods.until_next()):
            put()

    def _earlier(self) -> dict[str, tuple[int, float]]:
        with answered_with(*NO_TIMES):
            answer = self._cloud.s3.get_object(Bucket=self._bucket, Key=times_key(self._workflow.name))
            return read_times(answer["Body"].read().decode("utf-8", errors="replace"))
        return {}


class LastingAlarm:
    """An alarm of the demand, which lasts if another run goes on: it acts when it begins, and then once a minute."""

    def __init__(self, cloud: Cloud, name: str, say: Callable[[str], object], later: Later) -> None:
        self._cloud = cloud
        self._name = name
        self._say = say
        self._later = later
        self._since = datetime.now(UTC)
        self._left = False

    def told(self, seconds: float) -> None:
        """The run has told its demand, in a period that is over after so many seconds: then the alarm begins anew."""
        self._since = datetime.now(UTC)
        self._later(seconds + SETTLING_SECONDS, self.begin_anew)

    def leave(self) -> None:
        """Leave the alarm alone from now on."""
        self._left = True

    def begin_anew(self) -> None:
        """If it began before the demand was told, set it back: at its next look it acts, on the demand of all runs."""
        try:
            if not self._left and self._is_older():
                reason = "another run has begun"
                self._cloud.cloudwatch.set_alarm_state(AlarmName=self._name, StateValue="OK", StateReason=reason)
        except foreseen() as error:
            known = explain(error)
            self._say(f"  machines for this run come within a minute, not at once: {known.message if known else error}")

    def _is_older(self) -> bool:
        told = self._cloud.cloudwatch.describe_alarms(AlarmNames=[self._name])["MetricAlarms"]
        began: list[Any] = [
            alarm.get("StateTransitionedTimestamp") or alarm["StateUpdatedTimestamp"]
            for alarm in told
            if alarm["StateValue"] == "ALARM"
        ]
        return any(when < self._since for when in began)
