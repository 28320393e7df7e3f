"""The data plane: one thread that makes machines, tasks, services, groups and alarms follow what AWS was asked for."""

from __future__ import annotations

import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from queue import Empty

from hfecs.local.data_plane.auto_scaling_groups import AutoScalingGroups
from hfecs.local.data_plane.deadlines import Deadlines
from hfecs.local.data_plane.logs import Logs
from hfecs.local.data_plane.machines import Machines
from hfecs.local.data_plane.service_scheduler import ServiceScheduler
from hfecs.local.data_plane.shared import SharedState
from hfecs.local.data_plane.starter import Starter
from hfecs.local.data_plane.tasks import Tasks
from hfecs.local.processes import wait_until_ended
from hfecs.local.scaling.actions import Actions
from hfecs.local.scaling.alarm_evaluator import AlarmEvaluator
from hfecs.local.scaling.managed import ManagedScaling

LONGEST_NAP = 0.5  # seconds between two looks when nobody wakes it
SHORTEST_NAP = 0.02  # so that a burst of calls is answered by one look
LOG_SECONDS = 0.8
END_SECONDS = 5.0

log = logging.getLogger(__name__)


class Reconciler:
    """All parts of the data plane, and the thread that drives them."""

    def __init__(self, cloud: SharedState, credentials: dict[str, str]) -> None:
        self.cloud = cloud
        self.machines = Machines(cloud)
        self.logs = Logs(cloud)
        self.tasks = Tasks(cloud, self.machines, self.logs, Starter(cloud, self.logs, credentials))
        self.services = ServiceScheduler(cloud, self.tasks)
        self.groups = AutoScalingGroups(cloud)
        self.managed_scaling = ManagedScaling(cloud, self.machines, self.services, self.groups)
        self.scaling = AlarmEvaluator(cloud, Actions(cloud, self.groups))
        self.deadlines = Deadlines(cloud, self.machines, self.groups)
        self.logs_at = 0.0
        self.ending = threading.Event()

    def start(self) -> None:
        """Start the thread."""
        threading.Thread(target=self._run, name="plane", daemon=True).start()

    def end(self) -> bool:
        """End all tasks and machines; False if some did not end in time."""
        self.ending.set()
        with self.cloud.lock:
            pids = self.machines.end_all()
        return wait_until_ended(pids, END_SECONDS)

    def step(self, now: float) -> None:
        """Look once at everything."""
        while True:
            try:
                instance_id, what = self.cloud.reports.get_nowait()
            except Empty:
                break
            if "ready" not in what:
                self.tasks.heard(what)
            elif instance_id in self.machines.by_id:
                self.machines.ready(instance_id)
        self.deadlines.step(time.time())
        self.groups.step(now)
        for machine in self.machines.step(now):
            self.tasks.lost(machine)
        self.services.step(now)
        self.managed_scaling.step(now)
        self.scaling.step(time.time())
        self.tasks.count()
        if now >= self.logs_at:
            self.logs_at = now + LOG_SECONDS
            self.logs.step()

    def _run(self) -> None:
        """One step that fails does not end the others: the log tells, and the next one looks again."""
        with ThreadPoolExecutor(1, thread_name_prefix="step") as executor:
            while not self.ending.is_set():
                self.cloud.awake.wait(LONGEST_NAP)
                self.ending.wait(SHORTEST_NAP)
                self.cloud.awake.clear()
                error = executor.submit(self._look).exception()
                if error:
                    log.error("The data plane stumbled.", exc_info=error)

    def _look(self) -> None:
        with self.cloud.lock:
            self.step(time.monotonic())
