"""The service scheduler: keeps as many tasks running as each service wants, where its constraints allow them.

A daemon's task is the first on its machine and, on one that is draining, the last to stop.
"""

from __future__ import annotations

import math
import os
from dataclasses import replace

from hfecs.local.data_plane.capacity_providers import strategy_of
from hfecs.local.data_plane.placement import Demand, Host, demand_of, place, take
from hfecs.local.data_plane.placement_throttle import PATIENCE
from hfecs.local.data_plane.service import Service
from hfecs.local.data_plane.shared import SharedState, utc_now
from hfecs.local.data_plane.task import PENDING, RUNNING, Task
from hfecs.local.data_plane.task_protection import is_protected
from hfecs.local.data_plane.tasks import Order, Tasks

SHORT_LIFE = 10.0  # seconds: a task that ended sooner counts as a failed start
LONGEST_BACK_OFF = 30.0  # seconds; up to 15 minutes on AWS
UNABLE = "was unable to place a task because no container instance met all of its requirements."
INCONSISTENT = "is unable to consistently start tasks successfully."
SCHEDULER = "ServiceSchedulerInitiated"


class ServiceScheduler:
    """All services of all clusters; they live in moto's state."""

    def __init__(self, cloud: SharedState, tasks: Tasks) -> None:
        self.cloud = cloud
        self.tasks = tasks
        self.patience = float(os.environ.get("HFECS_LOCAL_PATIENCE", PATIENCE))
        self.seen: set[str] = set()

    def step(self, now: float) -> None:
        """Bring every service one step nearer to what it should be."""
        for _, backend in self.cloud.regions("ecs"):
            for service in sorted(backend.services.values(), key=lambda service: not service.is_daemon):
                if service.status != "INACTIVE":
                    self._note_failures(service, now)
                    self._schedule(service, now)
                    self._count(service)
            for cluster in backend.clusters.values():
                services = [s for s in backend.services.values() if s.cluster == cluster.name]
                cluster.active_services_count = sum(service.status == "ACTIVE" for service in services)

    def running(self, service: Service) -> list[Task]:
        """The tasks of a service that are not ended nor ending."""
        return [task for task in self._tasks(service) if task.last_status in (PENDING, RUNNING)]

    def demand(self, service: Service) -> Demand:
        """What each of its tasks needs."""
        backend = self.cloud.backend("ecs", service.region)
        definition = backend.describe_task_definition(service.primary.task_definition)
        return demand_of(definition, service.group, service.placement_constraints)

    def _tasks(self, service: Service) -> list[Task]:
        return [t for t in self.tasks.living(service.region, service.cluster) if t.service == service.service_name]

    def _schedule(self, service: Service, now: float) -> None:
        hosts = self.tasks.hosts(service.region, service.cluster, strategy_of(service))
        if service.status == "DRAINING":
            self._stop_all(service)
            return
        demand = self.demand(service)
        if service.is_daemon:
            service.desired_count = self._eligible(demand, hosts)
        active = {host.arn for host in hosts}
        current = self.running(service)
        fresh = [t for t in current if t.deployment == service.primary.id and t.container_instance_arn in active]
        stale = [task for task in current if task not in fresh and not self._waits_for_others(service, task)]
        self._stop_surplus(service, fresh)
        self._stop_stale(service, fresh, stale)
        missing = max(0, service.desired_count - len(fresh))
        if missing == 0 and service.throttle.allows(now):
            service.throttle.succeeded()
        if now >= service.retry_at and service.throttle.allows(now):
            order = self._order(service, demand)
            self._start_missing(service, order, hosts, min(missing, self._room(service)), now)

    def _waits_for_others(self, service: Service, task: Task) -> bool:
        """Whether a daemon's task on a machine that is draining still has tasks of other services beside it."""
        if not service.is_daemon or task.deployment != service.primary.id:
            return False
        backend = self.cloud.backend("ecs", service.region)
        replicas = {s.service_name for s in backend.services.values() if s.cluster == task.cluster and not s.is_daemon}
        beside = (t for t in self.tasks.living(task.region, task.cluster) if t.instance_id == task.instance_id)
        return any(other.service in replicas for other in beside)

    def _room(self, service: Service) -> int:
        """How many tasks may be added without going above the maximum percentage of the desired count."""
        percent = service.deployment_configuration.get("maximumPercent", 200)
        most: int = math.floor(service.desired_count * percent / 100)
        return max(0, most - len(self._tasks(service)))

    def _start_missing(self, service: Service, order: Order, hosts: list[Host], count: int, now: float) -> None:
        demand = order.demand
        for _ in range(count):
            host = place(demand, hosts, service.placement_strategy)
            if not isinstance(host, Host):
                service.say(UNABLE)
                if not service.is_daemon and not strategy_of(service):
                    # Tasks of a capacity provider's service wait, in PROVISIONING, without being tried again.
                    service.throttle.failed(now, self.patience)
                return
            service.throttle.succeeded()
            take(demand, host)
            task = self.tasks.start(order, host)
            service.say(f"has started 1 tasks: (task {task.id}).")

    def _stop_surplus(self, service: Service, fresh: list[Task]) -> None:
        """Unprotected tasks only; those that do not run yet first, then the newest."""
        surplus = len(fresh) - service.desired_count
        if surplus <= 0:
            return
        now = utc_now()
        free = [task for task in fresh if not task.protected_until or task.protected_until <= now]
        free.sort(key=lambda task: (task.last_status == RUNNING, -task.created_at.timestamp()))
        for task in free[:surplus]:
            self._stop(service, task)
            fresh.remove(task)

    def _stop_stale(self, service: Service, fresh: list[Task], stale: list[Task]) -> None:
        """Tasks of earlier deployments and on draining instances go as far as the minimum healthy percentage allows."""
        percent = service.deployment_configuration.get("minimumHealthyPercent", 100)
        least = math.ceil(service.desired_count * percent / 100)
        now = utc_now()
        healthy = sum(task.last_status == RUNNING for task in fresh + stale)
        for task in stale:
            # AWS documents no protection of daemons' tasks in a deployment: here they have none.
            if not service.is_daemon and task.protected_until and task.protected_until > now:
                continue
            if task.last_status == PENDING or healthy > least or len(fresh) >= service.desired_count == 0:
                healthy -= task.last_status == RUNNING
                self._stop(service, task)

    def _stop_all(self, service: Service) -> None:
        """Drain; protected tasks stay until their protection ends or StopTask, in case ECS has it so."""
        left = self._tasks(service)
        for task in left:
            if not is_protected(task):
                self._stop(service, task)
        if not [task for task in left if not task.stopped]:
            service.status = "INACTIVE"
            service.deployments.clear()

    def _stop(self, service: Service, task: Task) -> None:
        if not task.stopping_at:
            deployment = f"(deployment {task.deployment})"
            self.tasks.stop(task, SCHEDULER, f"Scaling activity initiated by {deployment}")
            service.say(f"has stopped 1 running tasks: (task {task.id}).")

    def _note_failures(self, service: Service, now: float) -> None:
        """Hold a service back whose tasks end soon after their start: 1, 2, 4, ... seconds."""
        for task in self.tasks.by_id.values():
            if not task.stopped_at or task.service != service.service_name or task.id in self.seen:
                continue
            if task.cluster != service.cluster or task.region != service.region:
                continue
            self.seen.add(task.id)
            if task.stop_code == SCHEDULER:
                continue
            lived = (task.stopped_at - task.started_at).total_seconds() if task.started_at else 0.0
            service.failures = service.failures + 1 if lived < SHORT_LIFE else 0
            if service.failures:
                service.retry_at = now + min(2.0 ** (service.failures - 1), LONGEST_BACK_OFF)
            if service.failures > 2:
                service.say(INCONSISTENT)

    def _count(self, service: Service) -> None:
        tasks = self._tasks(service)
        service.running_count = sum(task.last_status == RUNNING for task in tasks)
        service.pending_count = sum(task.last_status == PENDING for task in tasks)
        for deployment in service.deployments:
            own = [task for task in tasks if task.deployment == deployment.id]
            deployment.running_count = sum(task.last_status == RUNNING for task in own)
            deployment.pending_count = sum(task.last_status == PENDING for task in own)
            deployment.desired_count = service.desired_count if deployment.status == "PRIMARY" else 0
        if service.status == "INACTIVE":
            return
        alive = {task.deployment for task in tasks}
        service.deployments = [d for d in service.deployments if d.status == "PRIMARY" or d.id in alive]
        steady = service.running_count == service.desired_count and len(tasks) == service.running_count
        if steady and len(service.deployments) == 1:
            service.primary.rollout_state = "COMPLETED"
            if not service.steady:
                service.say("has reached a steady state.")
        service.steady = steady

    def _eligible(self, demand: Demand, hosts: list[Host]) -> int:
        constraints = Demand(0, 0, frozenset(), demand.group, demand.expressions)
        return sum(isinstance(place(constraints, [host]), Host) for host in hosts)

    def _order(self, service: Service, demand: Demand) -> Order:
        backend = self.cloud.backend("ecs", service.region)
        return Order(
            region=service.region,
            cluster=backend.clusters[service.cluster],
            definition=backend.describe_task_definition(service.primary.task_definition),
            demand=replace(demand, distinct=demand.distinct or service.is_daemon),
            service=service.service_name,
            deployment=service.primary.id,
            tags=[*service.tags] if service.propagate_tags == "SERVICE" else [],
        )
