"""An ECS task and its containers, with the field names of ECS (moto turns them into responses)."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from hfecs.local.data_plane.placement import Demand

PENDING, RUNNING, STOPPING, STOPPED = "PENDING", "RUNNING", "STOPPING", "STOPPED"


@dataclass
class Container:
    """A container of a task."""

    name: str
    image: str
    container_arn: str
    task_arn: str
    definition: dict[str, Any]
    cpu: str = "0"
    memory: str | None = None
    memory_reservation: str | None = None
    last_status: str = PENDING
    pid: int = 0
    exit_code: int | None = None
    reason: str | None = None
    health_status: str = "UNKNOWN"
    network_bindings: list[dict[str, Any]] = field(default_factory=list)
    network_interfaces: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class Task:
    """An ECS task; `instance_id` is the machine that it runs on."""

    id: str
    task_arn: str
    region: str
    cluster: str
    cluster_arn: str
    task_definition_arn: str
    container_instance_arn: str
    instance_id: str
    group: str
    demand: Demand
    created_at: datetime
    containers: list[Container] = field(default_factory=list)
    service: str = ""
    deployment: str = ""
    started_by: str = ""
    overrides: dict[str, Any] = field(default_factory=dict)
    tags: list[dict[str, str]] = field(default_factory=list)
    cpu: str = "0"
    memory: str = "0"
    launch_type: str = "EC2"
    last_status: str = PENDING
    desired_status: str = RUNNING
    connectivity: str = "CONNECTED"
    version: int = 1
    attachments: list[dict[str, Any]] = field(default_factory=list)
    pull_started_at: datetime | None = None
    pull_stopped_at: datetime | None = None
    started_at: datetime | None = None
    stopping_at: datetime | None = None
    stopped_at: datetime | None = None
    stop_code: str | None = None
    stopped_reason: str | None = None
    protected_until: datetime | None = None

    @property
    def stopped(self) -> bool:
        """Whether it has ended."""
        return self.last_status == STOPPED

    def container(self, name: str) -> Container:
        """The container of that name."""
        return next(container for container in self.containers if container.name == name)

    def mark(self, container: Container) -> str:
        """The mark in the environment of its processes, and the machines' name for it."""
        return f"{self.id}/{container.name}"


def containers_of(task: Task, definitions: list[dict[str, Any]]) -> list[Container]:
    """The containers of a new task."""
    prefix = task.task_arn.replace(":task/", ":container/")
    return [
        Container(
            name=definition["name"],
            image=definition["image"],
            container_arn=f"{prefix}/{uuid.uuid4()}",
            task_arn=task.task_arn,
            definition=definition,
            cpu=str(definition.get("cpu") or 0),
            memory=_text(definition.get("memory")),
            memory_reservation=_text(definition.get("memoryReservation")),
        )
        for definition in definitions
    ]


def bindings(definition: dict[str, Any]) -> list[dict[str, Any]]:
    """The host ports of a container, as ECS lists them."""
    return [
        {
            "bindIP": "0.0.0.0",
            "containerPort": mapping["containerPort"],
            "hostPort": mapping.get("hostPort") or mapping["containerPort"],
            "protocol": mapping.get("protocol") or "tcp",
        }
        for mapping in definition.get("portMappings") or []
    ]


def _text(value: int | None) -> str | None:
    return None if value is None else str(value)
