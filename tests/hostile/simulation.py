"""The local cloud without a process: machines and containers that only say that they run, one step for each call."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hfecs.local.data_plane.logs import Logs
from hfecs.local.data_plane.machines import Machine, Machines, UserData
from hfecs.local.data_plane.shared import SharedState
from hfecs.local.data_plane.starter import Starter
from hfecs.local.data_plane.task import Task
from hfecs.local.reconciler import Reconciler

NETWORK = 99
PORTS = {"amqp": 5672, "management": 15672, "grafana": 3000, "influxdb": 8086}


class NoProcess:
    """What stands where a machine's process would be."""

    pid = 0
    ended = False

    def poll(self) -> int | None:
        return 0 if self.ended else None


class QuietMachine(Machine):
    """A machine that obeys at once."""

    cloud: SharedState

    def order(self, **what: Any) -> None:
        """Report what a real one would: containers start, end when they are told, and end with the machine."""
        if what["order"] == "start":
            self._report(container=what["container"], pid=0)
        elif what["order"] == "stop":
            self._report(container=what["container"], code=143)
        else:
            setattr(self.process, "ended", True)  # noqa: B010

    def _report(self, **what: Any) -> None:
        self.cloud.report(self.instance.id, what)


class QuietMachines(Machines):
    """Machines that are there when EC2 says so."""

    def __init__(self, cloud: SharedState) -> None:
        super().__init__(cloud)
        self.boot_seconds = 0.0

    def _launch(self, instance: Any, region: str, boot: UserData, now: float) -> Machine:
        nothing: Any = NoProcess()
        machine = QuietMachine(instance, region, boot, nothing, now, *self.size(instance.instance_type, region))
        machine.cloud = self.cloud
        self.cloud.report(instance.id, {"ready": True})
        return machine


class QuietStarter(Starter):
    """Starts containers without looking for their programs."""

    def __init__(self, cloud: SharedState, logs: Logs) -> None:
        super().__init__(cloud, logs, {})

    def start(self, task: Task, machine: Machine) -> None:
        for container in task.containers:
            machine.order(order="start", container=task.mark(container))


def quiet_plane(directory: Path) -> Reconciler:
    """A data plane that nobody drives but its caller, by step()."""
    cloud = SharedState(directory, "", NETWORK, PORTS)
    reconciler = Reconciler(cloud, {})
    reconciler.machines = QuietMachines(cloud)
    reconciler.tasks.machines = reconciler.machines
    reconciler.tasks.starter = QuietStarter(cloud, reconciler.logs)
    return reconciler
