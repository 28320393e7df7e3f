"""Managed scaling of capacity providers: each group has as many machines as the tasks of its services need."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from hfecs.local.data_plane.auto_scaling_groups import DELETING, AutoScalingGroups, instance_type
from hfecs.local.data_plane.capacity_providers import attached, group_arn, strategy_of
from hfecs.local.data_plane.machines import Machines
from hfecs.local.data_plane.placement import Demand, Host, place, take
from hfecs.local.data_plane.service_scheduler import ServiceScheduler
from hfecs.local.data_plane.shared import SharedState

LOOK = 10.0  # seconds between two evaluations; a minute on AWS
SCALE_IN = 60.0  # seconds of lower need before machines are removed; 15 minutes on AWS


@dataclass(frozen=True)
class Provider:
    """An active provider: its name, its ECS backend, cluster and group (moto's), and its managed scaling settings."""

    name: str
    region: str
    backend: Any
    cluster: Any
    group: Any
    step: int
    protects: bool


def machines_for(demands: Iterable[Demand], cpu: int, memory: int) -> int:
    """How many empty machines of that size the tasks fill; a task that fits on none, as by a constraint, needs none."""
    hosts: list[Host] = []
    for demand in demands:
        chosen = place(demand, hosts)
        if not isinstance(chosen, Host):
            chosen = place(demand, [Host(str(len(hosts)), {}, cpu, memory)])
            hosts += [chosen] if isinstance(chosen, Host) else []
        if isinstance(chosen, Host):
            take(demand, chosen)
    return len(hosts)


class ManagedScaling:
    """The providers of all clusters."""

    def __init__(
        self, cloud: SharedState, machines: Machines, services: ServiceScheduler, groups: AutoScalingGroups
    ) -> None:
        self.cloud = cloud
        self.machines = machines
        self.services = services
        self.groups = groups
        self.look_seconds = float(os.environ.get("HFECS_LOCAL_TICK", LOOK))
        self.scale_in_seconds = float(os.environ.get("HFECS_LOCAL_SCALE_IN", SCALE_IN))
        self.look_at = 0.0
        self.too_many_since: dict[str, float] = {}

    def step(self, now: float) -> None:
        """Evaluate each provider periodically; always protect the machines that have tasks."""
        due = now >= self.look_at
        if due:
            self.look_at = now + self.look_seconds
        for provider in self._at_work():
            busy = self._busy(provider)
            _protect(provider, busy)
            if due:
                self._follow(provider, busy, now)

    def _at_work(self) -> Iterator[Provider]:
        for region, backend in self.cloud.regions("ecs"):
            groups = {one.arn: one for one in self.cloud.backend("autoscaling", region).autoscaling_groups.values()}
            for cluster in backend.clusters.values():
                for known in attached(backend, cluster):
                    group, told = groups.get(group_arn(known)), known.auto_scaling_group_provider
                    if group and getattr(group, "status", None) != DELETING:
                        yield from _managed(Provider(known.name, region, backend, cluster, group, 1, False), told)

    def _busy(self, provider: Provider) -> set[str]:
        """The group's machines with a task that is not a daemon."""
        services, cluster = provider.backend.services.values(), provider.cluster.name
        daemons = {s.service_name for s in services if s.cluster == cluster and s.scheduling_strategy == "DAEMON"}
        there = {state.instance.id for state in provider.group.instance_states}
        living = self.services.tasks.living(provider.region, cluster)
        return {task.instance_id for task in living if task.service not in daemons} & there

    def _more(self, provider: Provider) -> int:
        """Machines for the tasks that are not placed yet."""
        waiting: list[Demand] = []
        for service in provider.backend.services.values():
            own = service.cluster == provider.cluster.name and strategy_of(service) == provider.name
            if own and service.status == "ACTIVE":
                missing = service.desired_count - len(self.services.running(service))
                waiting += [self.services.demand(service)] * max(0, missing)
        kind = instance_type(self.cloud.backend("ec2", provider.region), provider.group)
        return machines_for(waiting, *self.machines.size(kind, provider.region)) if waiting else 0

    def _follow(self, provider: Provider, busy: set[str], now: float) -> None:
        group, before = provider.group, int(provider.group.desired_capacity or 0)
        needed = len(busy) + self._more(provider)
        wanted = max(int(group.min_size), min(int(group.max_size), needed))
        if wanted >= before:
            self.too_many_since.pop(group.arn, None)
        if wanted > before:
            self._change(provider, max(wanted, min(before + provider.step, int(group.max_size))))
        elif wanted < before and now - self.too_many_since.setdefault(group.arn, now) >= self.scale_in_seconds:
            _let_go(provider, busy)
            self._change(provider, wanted)

    def _change(self, provider: Provider, after: int) -> None:
        before = provider.group.desired_capacity
        text = f"the managed scaling of capacity provider {provider.name} changing the desired capacity"
        self.groups.change(provider.group, after, f"{text} from {before} to {after}")


def _managed(provider: Provider, told: dict[str, Any]) -> Iterator[Provider]:
    """The provider with its settings, if its scaling is managed."""
    scaling = told.get("managedScaling") or {}
    protects = told.get("managedTerminationProtection") == "ENABLED"
    if scaling.get("status") == "ENABLED":
        yield replace(provider, step=int(scaling.get("minimumScalingStepSize") or 1), protects=protects)


def _protect(provider: Provider, busy: set[str]) -> None:
    for state in provider.group.instance_states:
        state.protected_from_scale_in |= provider.protects and state.instance.id in busy


def _let_go(provider: Provider, busy: set[str]) -> None:
    for state in provider.group.instance_states:
        if provider.protects and state.instance.id not in busy:
            state.protected_from_scale_in = False
