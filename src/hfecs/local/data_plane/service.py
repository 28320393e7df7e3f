"""An ECS service with its deployments, with the field names of ECS (moto turns them into responses)."""

from __future__ import annotations

import uuid
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from hfecs.local.data_plane.placement_throttle import PlacementThrottle
from hfecs.local.data_plane.shared import utc_now

EVENTS_KEPT = 100


@dataclass
class Deployment:
    """A deployment: the tasks of one task definition."""

    id: str
    task_definition: str
    created_at: datetime
    updated_at: datetime
    status: str = "PRIMARY"
    desired_count: int = 0
    running_count: int = 0
    pending_count: int = 0
    failed_tasks: int = 0
    launch_type: str | None = "EC2"
    rollout_state: str = "IN_PROGRESS"


@dataclass
class Service:
    """A service; `failures` and `retry_at` slow it down if its tasks keep failing, `throttle` if they find no place."""

    arn: str
    service_name: str
    region: str
    cluster: str
    cluster_arn: str
    task_definition: str
    desired_count: int
    scheduling_strategy: str = "REPLICA"
    status: str = "ACTIVE"
    running_count: int = 0
    pending_count: int = 0
    launch_type: str | None = "EC2"
    capacity_provider_strategy: list[dict[str, Any]] = field(default_factory=list)
    placement_constraints: list[dict[str, str]] = field(default_factory=list)
    placement_strategy: list[dict[str, str]] = field(default_factory=list)
    deployment_configuration: dict[str, Any] = field(default_factory=dict)
    deployment_controller: dict[str, str] = field(default_factory=lambda: {"type": "ECS"})
    tags: list[dict[str, str]] = field(default_factory=list)
    deployments: list[Deployment] = field(default_factory=list)
    propagate_tags: str = "NONE"
    availability_zone_rebalancing: str = "ENABLED"
    created_at: datetime = field(default_factory=utc_now)
    recent_events: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=EVENTS_KEPT))
    failures: int = 0
    retry_at: float = 0.0
    throttle: PlacementThrottle = field(default_factory=PlacementThrottle)
    steady: bool = False
    task_sets: list[Any] = field(default_factory=list)

    @property
    def is_daemon(self) -> bool:
        """Whether one task runs on each machine that meets its constraints, instead of a number of tasks."""
        return self.scheduling_strategy == "DAEMON"

    @property
    def events(self) -> list[dict[str, Any]]:
        """Its events, newest first."""
        return list(self.recent_events)

    @property
    def service_arn(self) -> str:
        """Its ARN, in ECS's field name."""
        return self.arn

    @property
    def physical_resource_id(self) -> str:
        """Its ARN, in the field name that the search by tags uses."""
        return self.arn

    @property
    def name(self) -> str:
        """Its name, as moto looks for it."""
        return self.service_name

    @property
    def cluster_name(self) -> str:
        """Its cluster's name, as moto looks for it."""
        return self.cluster

    @property
    def group(self) -> str:
        """The group of its tasks."""
        return f"service:{self.service_name}"

    @property
    def primary(self) -> Deployment:
        """The deployment that new tasks belong to."""
        return self.deployments[0]

    def say(self, message: str) -> None:
        """Add an event, unless it repeats the last one."""
        text = f"(service {self.service_name}) {message}"
        if not self.recent_events or self.recent_events[0]["message"] != text:
            self.recent_events.appendleft({"id": str(uuid.uuid4()), "createdAt": utc_now(), "message": text})

    def deploy(self, definition_arn: str) -> None:
        """Create a new primary deployment."""
        for deployment in self.deployments:
            deployment.status = "ACTIVE"
        now = utc_now()
        self.task_definition = definition_arn
        identifier = f"ecs-svc/{uuid.uuid4().int % 10**19}"
        self.deployments.insert(0, Deployment(identifier, definition_arn, now, now, launch_type=self.launch_type))
        self.failures, self.retry_at = 0, 0.0
