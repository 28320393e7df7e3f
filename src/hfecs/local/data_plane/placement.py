"""Which container instance a task runs on: resources, ports and placement constraints; pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from hfecs.local.data_plane.expressions import EC2_INSTANCE_ID, BadExpression, parse

ECS_AGENT_PORTS = frozenset({22, 2375, 2376, 51678, 51679})  # reserved on every container instance
MEMBER_OF = "MemberOf placement constraint unsatisfied."
DISTINCT = "DistinctInstance placement constraint unsatisfied."


@dataclass(frozen=True)
class Demand:
    """What a task needs: CPU units, MiB, host ports, and placement constraints."""

    cpu: int
    memory: int
    ports: frozenset[int]
    group: str
    expressions: tuple[str, ...] = ()
    distinct: bool = False


@dataclass
class Host:
    """A container instance with its remaining resources."""

    arn: str
    attributes: dict[str, str | None]
    cpu: int
    memory: int
    ports: set[int] = field(default_factory=set)
    groups: list[str] = field(default_factory=list)
    instance_id: str = ""


@dataclass(frozen=True)
class Refusal:
    """Why a host does not accept a task, in ECS's words."""

    arn: str
    reason: str


def place(demand: Demand, hosts: Sequence[Host], strategy: Sequence[dict[str, str]] = ()) -> Host | list[Refusal]:
    """The host for the task, or why each of them refuses."""
    refusals = [Refusal(host.arn, reason) for host in hosts if (reason := _refusal(demand, host))]
    refused = {refusal.arn for refusal in refusals}
    fitting = [host for host in hosts if host.arn not in refused]
    if not fitting:
        return refusals
    fullest = any(entry.get("type") == "binpack" for entry in strategy)
    return min(fitting, key=lambda host: (host.memory if fullest else -host.memory, host.arn))


def take(demand: Demand, host: Host) -> None:
    """Record that the task now runs there."""
    host.cpu -= demand.cpu
    host.memory -= demand.memory
    host.ports |= demand.ports
    host.groups.append(demand.group)


def demand_of(definition: Any, group: str, constraints: Iterable[dict[str, str]]) -> Demand:
    """What a task of that definition needs; `constraints` are added to the definition's own."""
    containers = definition.container_definitions
    memory = definition.memory or sum(c.get("memoryReservation") or c.get("memory") or 0 for c in containers)
    cpu = definition.cpu or sum(c.get("cpu") or 0 for c in containers)
    ports = (mapping.get("hostPort") or 0 for c in containers for mapping in c.get("portMappings") or [])
    everything = [*(definition.placement_constraints or []), *constraints]
    return Demand(
        cpu=int(cpu),
        memory=int(memory),
        ports=frozenset(ports) - {0},
        group=group,
        expressions=tuple(c.get("expression", "") for c in everything if c.get("type") == "memberOf"),
        distinct=any(c.get("type") == "distinctInstance" for c in everything),
    )


def fault_of(constraints: Iterable[dict[str, str]]) -> str:
    """The error in the first invalid constraint, or an empty text."""
    for constraint in constraints:
        kind = constraint.get("type")
        if kind not in ("memberOf", "distinctInstance"):
            return f"Placement constraint type {kind} is not valid."
        if kind == "memberOf":
            try:
                parse(constraint.get("expression", ""))
            except BadExpression as error:
                return f"Invalid expression '{constraint.get('expression', '')}' in placement constraint: {error}."
    return ""


def _refusal(demand: Demand, host: Host) -> str:
    attributes = {**host.attributes, EC2_INSTANCE_ID: host.instance_id}
    if not all(parse(expression)(attributes) for expression in demand.expressions):
        return MEMBER_OF
    if demand.distinct and demand.group in host.groups:
        return DISTINCT
    if demand.cpu > host.cpu:
        return "RESOURCE:CPU"
    if demand.memory > host.memory:
        return "RESOURCE:MEMORY"
    return "RESOURCE:PORTS" if demand.ports & (host.ports | ECS_AGENT_PORTS) else ""
