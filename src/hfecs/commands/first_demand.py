"""The demand of a run while its own machine boots: the workers' machines boot beside it, not after it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

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

NO_TIMES = ("NoSuchKey", "NoSuchBucket", "404", "AccessDenied", "403")


def announcing(cloud: Cloud, workflow: Workflow, bucket: str, say: Callable[[str], object]) -> Announce:
    """How the run of this workflow is announced; the times of earlier runs lie in the bucket."""

    @contextmanager
    def announce(ahead: Ahead) -> Iterator[Callable[[], Mapping[str, str]]]:
        first = FirstDemand(cloud, workflow, bucket, ahead)
        first.start()
        try:
            yield first.environment
        finally:
            first.end()
            if first.problem:
                say(f"  the demand could not be told, machines come when the engine is there: {first.problem}")

    return announce


class FirstDemand:
    """Tells CloudWatch the demand in each period, in a thread, until it is ended."""

    def __init__(self, cloud: Cloud, workflow: Workflow, bucket: str, ahead: Ahead) -> None:
        self._cloud = cloud
        self._workflow = workflow
        self._bucket = bucket
        self._ahead = ahead
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
        self._thread.join()

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
        while True:
            slots = outlook.demand(time.time() - self._began)
            self._ordered = outlook.on_order
            metric.put(slots)
            if self._end.wait(periods.until_next()):
                return

    def _earlier(self) -> dict[str, tuple[int, float]]:
        with answered_with(*NO_TIMES):
            answer = self._cloud.s3.get_object(Bucket=self._bucket, Key=times_key(self._workflow.name))
            return read_times(answer["Body"].read().decode("utf-8", errors="replace"))
        return {}
