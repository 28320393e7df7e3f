"""The life of tasks: started on a machine, followed through its reports, stopped, and counted for ECS."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any

from hfecs.local.data_plane.containers import CannotStart
from hfecs.local.data_plane.logs import Logs, NoLogGroup
from hfecs.local.data_plane.machines import LIVING, Machine, Machines, resources
from hfecs.local.data_plane.placement import Demand, Host
from hfecs.local.data_plane.shared import ACCOUNT, SharedState, utc_now
from hfecs.local.data_plane.starter import Starter
from hfecs.local.data_plane.task import PENDING, RUNNING, STOPPED, STOPPING, Container, Task, bindings, containers_of
from hfecs.local.processes import kill_all, members

ESSENTIAL_EXITED = ("EssentialContainerExited", "Essential container in task exited")
FAILED_TO_START = "TaskFailedToStart"
HOST_TERMINATED = "TerminationNotice"

STOPPED_TASKS_SHOWN = timedelta(hours=1)


def host_of(machine: Machine, tasks: Mapping[str, Task]) -> Host:
    """A registered machine as the placement sees it."""
    demands = [tasks[task_id].demand for task_id in machine.tasks]
    return Host(
        arn=machine.container_instance_arn,
        attributes={**machine.container_instance.attributes},
        cpu=machine.cpu - sum(demand.cpu for demand in demands),
        memory=machine.memory - sum(demand.memory for demand in demands),
        ports={port for demand in demands for port in demand.ports},
        groups=[demand.group for demand in demands],
        instance_id=machine.instance.id,
    )


def count_clusters(cloud: SharedState, tasks: Mapping[str, Task]) -> None:
    """Tasks and container instances of each cluster."""
    for region, backend in cloud.regions("ecs"):
        for name, cluster in backend.clusters.items():
            states = [task.last_status for task in tasks.values() if task.region == region and task.cluster == name]
            cluster.running_tasks_count = states.count(RUNNING)
            cluster.pending_tasks_count = states.count(PENDING)
            cluster.registered_container_instances_count = len(backend.container_instances.get(name, {}))


def count_machines(machines: Iterable[Machine], tasks: Mapping[str, Task]) -> None:
    """Tasks and remaining resources of each container instance."""
    for machine in machines:
        if machine.container_instance is None:
            continue
        registered, host = machine.container_instance, host_of(machine, tasks)
        states = [tasks[task_id].last_status for task_id in machine.tasks]
        registered.remaining_resources = resources(host.cpu, host.memory, host.ports)
        registered.running_tasks_count = states.count(RUNNING)
        registered.pending_tasks_count = states.count(PENDING)


def forget_old(cloud: SharedState, tasks: dict[str, Task]) -> None:
    """Drop tasks that ended long ago."""
    limit = utc_now() - STOPPED_TASKS_SHOWN
    for task in [task for task in tasks.values() if task.stopped_at and task.stopped_at < limit]:
        del tasks[task.id]
        cloud.backend("ecs", task.region).tasks.get(task.cluster, {}).pop(task.task_arn, None)


@dataclass(frozen=True)
class Order:
    """A task to start; `cluster` and `definition` are moto's."""

    region: str
    cluster: Any
    definition: Any
    demand: Demand
    service: str = ""
    deployment: str = ""
    started_by: str = ""
    overrides: dict[str, Any] = field(default_factory=dict)
    tags: list[dict[str, str]] = field(default_factory=list)


class Tasks:
    """All tasks, by id."""

    def __init__(self, cloud: SharedState, machines: Machines, logs: Logs, starter: Starter) -> None:
        self.cloud = cloud
        self.machines = machines
        self.logs = logs
        self.starter = starter
        self.by_id: dict[str, Task] = {}

    def living(self, region: str, cluster: str) -> Iterator[Task]:
        """The tasks of a cluster that have not ended."""
        return (t for t in self.by_id.values() if t.region == region and t.cluster == cluster and not t.stopped)

    def hosts(self, region: str, cluster: str, provider: str = "") -> list[Host]:
        """The active container instances of a cluster with what they have left; none of a machine that is ending.

        Only those of a capacity provider, if one is named.
        """
        machines = [one for one in self.machines.of(region, cluster) if one.instance.state in LIVING]
        active = [one for one in machines if one.container_instance.status == "ACTIVE"]
        own = [one for one in active if provider in ("", one.container_instance.capacity_provider_name)]
        return [host_of(machine, self.by_id) for machine in own]

    def start(self, order: Order, host: Host) -> Task:
        """Start a task on a host that has room for it."""
        machine = next(m for m in self.machines.by_id.values() if m.container_instance_arn == host.arn)
        task = _new_task(order, machine)
        task.containers = containers_of(task, order.definition.container_definitions)
        self.by_id[task.id] = task
        self.cloud.backend("ecs", order.region).tasks.setdefault(task.cluster, {})[task.task_arn] = task
        machine.tasks.add(task.id)
        task.pull_started_at = utc_now()
        try:
            self.starter.start(task, machine)
            task.pull_stopped_at = utc_now()  # there is nothing to pull
        except (CannotStart, NoLogGroup) as error:
            for container in task.containers:
                container.last_status, container.reason = STOPPED, str(error)
            self.stop(task, FAILED_TO_START, str(error))
        return task

    def stop(self, task: Task, code: str, reason: str) -> None:
        """Stop a task: SIGTERM to its containers, SIGKILL after their stop timeout; nothing if it is stopping."""
        if task.stopping_at:
            return
        task.stopping_at, task.stop_code, task.stopped_reason = utc_now(), code, reason
        task.desired_status, task.last_status = STOPPED, STOPPING
        machine = self.machines.by_id.get(task.instance_id)
        for container in task.containers:
            if machine and container.last_status != STOPPED:
                timeout = container.definition.get("stopTimeout") or machine.boot.stop_timeout
                machine.order(order="stop", container=task.mark(container), timeout=timeout)
        self._finish_if_ended(task)

    def heard(self, what: dict[str, Any]) -> None:
        """Take in a machine's report about a container."""
        task_id, _, name = what["container"].partition("/")
        task = self.by_id.get(task_id)
        if task is None or task.stopped:
            return
        container = task.container(name)
        if "pid" in what:
            _container_started(task, container, what["pid"])
            return
        container.last_status, container.exit_code = STOPPED, what.get("code")
        self.logs.finish(task.mark(container))
        if "error" in what:
            container.reason = f"CannotStartContainerError: {what['error']}"
            self.stop(task, FAILED_TO_START, container.reason)
        elif container.definition.get("essential", True):
            self.stop(task, *ESSENTIAL_EXITED)
        self._finish_if_ended(task)

    def lost(self, machine: Machine) -> None:
        """The tasks of a machine that is gone end with it, and what is left of a machine that was killed."""
        for task_id in list(machine.tasks):
            task = self.by_id[task_id]
            self.stop(task, HOST_TERMINATED, f"Host EC2 (instance {machine.instance.id}) terminated.")
            for container in task.containers:
                container.last_status = STOPPED
                kill_all(partial(members, task.mark(container), container.pid))
                self.logs.finish(task.mark(container))
            self._finish_if_ended(task)

    def count(self) -> None:
        """Bring what ECS tells of clusters and container instances up to date."""
        count_clusters(self.cloud, self.by_id)
        count_machines(self.machines.by_id.values(), self.by_id)
        forget_old(self.cloud, self.by_id)

    def _finish_if_ended(self, task: Task) -> None:
        if task.stopped or any(container.last_status != STOPPED for container in task.containers):
            return
        task.last_status, task.stopped_at = STOPPED, utc_now()
        machine = self.machines.by_id.get(task.instance_id)
        shutil.rmtree(self.starter.scratch(task), ignore_errors=True)
        if machine:
            machine.tasks.discard(task.id)
            if machine.boot.end_with_task and not task.service:
                self.machines.engine_ended(machine)
        self.cloud.wake()


def _container_started(task: Task, container: Container, pid: int) -> None:
    container.last_status, container.pid = RUNNING, pid
    container.network_bindings = bindings(container.definition)
    if task.last_status == PENDING and all(c.last_status != PENDING for c in task.containers):
        task.last_status, task.started_at = RUNNING, utc_now()


def _new_task(order: Order, machine: Machine) -> Task:
    task_id = uuid.uuid4().hex
    name = order.cluster.name
    return Task(
        id=task_id,
        task_arn=f"arn:aws:ecs:{order.region}:{ACCOUNT}:task/{name}/{task_id}",
        region=order.region,
        cluster=name,
        cluster_arn=order.cluster.arn,
        task_definition_arn=order.definition.arn,
        container_instance_arn=machine.container_instance_arn,
        instance_id=machine.instance.id,
        group=order.demand.group,
        demand=order.demand,
        created_at=utc_now(),
        service=order.service,
        deployment=order.deployment,
        started_by=order.started_by or order.deployment,
        overrides=order.overrides,
        tags=order.tags,
        cpu=str(order.demand.cpu),
        memory=str(order.demand.memory),
    )
