"""The counts that ECS reports for clusters and container instances, computed from the tasks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta

from hfecs.local.data_plane.machines import Machine, resources
from hfecs.local.data_plane.placement import Host
from hfecs.local.data_plane.shared import SharedState, utc_now
from hfecs.local.data_plane.task import PENDING, RUNNING, Task

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
