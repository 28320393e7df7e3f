"""The reconciler: a thread that makes machines, tasks, services, groups and alarms follow the API's requests."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from queue import Empty
from typing import Any

from hfecs.local.data_plane.auto_scaling_groups import AutoScalingGroups
from hfecs.local.data_plane.deadlines import Deadlines
from hfecs.local.data_plane.logs import Logs
from hfecs.local.data_plane.machines import Machines
from hfecs.local.data_plane.service_scheduler import ServiceScheduler
from hfecs.local.data_plane.shared import SharedState
from hfecs.local.data_plane.starter import Starter
from hfecs.local.data_plane.tasks import Tasks
from hfecs.local.processes import wait_until_ended
from hfecs.local.scaling.alarm_evaluator import Actions, AlarmEvaluator
from hfecs.local.scaling.managed import ManagedScaling

LONGEST_NAP = 0.5  # seconds between two steps without a wake-up
SHORTEST_NAP = 0.02  # so that one step serves a burst of calls
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
        """Stop all tasks and machines; False if some did not stop in time."""
        self.ending.set()
        with self.cloud.lock:
            pids = self.machines.end_all()
        return wait_until_ended(pids, END_SECONDS)

    def step(self, now: float) -> None:
        """Give every part one turn; raise all errors at the end, in one ExceptionGroup."""
        turns = Turns()
        for instance_id, what in self._reports():
            turns.take(self._heard, instance_id, what)
        turns.take(self.deadlines.step, time.time())
        turns.take(self.groups.step, now)
        for machine in turns.take(self.machines.step, now) or ():
            turns.take(self.tasks.lost, machine)
        turns.take(self.services.step, now)
        turns.take(self.managed_scaling.step, now)
        turns.take(self.scaling.step, time.time())
        turns.take(self.tasks.count)
        if now >= self.logs_at:
            self.logs_at = now + LOG_SECONDS
            turns.take(self.logs.step)
        if turns.errors:
            raise ExceptionGroup("parts of the data plane failed", turns.errors)

    def _reports(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """The reports received from machines."""
        with suppress(Empty):
            while True:
                yield self.cloud.reports.get_nowait()

    def _heard(self, instance_id: str, what: dict[str, Any]) -> None:
        if "ready" not in what:
            self.tasks.heard(what)
        elif instance_id in self.machines.by_id:
            self.machines.ready(instance_id)

    def _run(self) -> None:
        while not self.ending.is_set():
            self.cloud.awake.wait(LONGEST_NAP)
            self.ending.wait(SHORTEST_NAP)
            self.cloud.awake.clear()
            try:
                with self.cloud.lock:
                    self.step(time.monotonic())
            except ExceptionGroup as error:
                log.error("Reconciliation step failed; it will be retried.", exc_info=error)


@dataclass
class Turns:
    """The turns of one step, and their errors."""

    errors: list[Exception] = field(default_factory=list)

    def take(self, part: Callable[..., Any], *arguments: Any) -> Any:
        """The result of a part's turn; None, and the error is kept, if it fails."""
        try:
            return part(*arguments)
        except Exception as error:  # An error in one part, or in moto below it, must not stop the rest of the cloud.
            self.errors.append(error)
            return None
