"""How long ECS is patient with tasks that find no machine, on a clock of our own."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from hfecs.local.data_plane.placement import Host
from hfecs.local.data_plane.placement_throttle import PATIENCE, PlacementThrottle
from hfecs.local.data_plane.service import Service
from hfecs.local.data_plane.service_scheduler import ServiceScheduler

NEVER = 7200


class Region:
    """One cluster with one service, and the machines that have registered; times are whole seconds."""

    def __init__(self, **fields: Any) -> None:
        self.service = Service("arn", "worker", "here", "main", "arn-main", "worker:1", 1, **fields)
        self.service.deploy("worker:1")
        self.machines: list[str] = []
        self.started: list[str] = []
        self.by_id: dict[str, Any] = {}
        self.services = {"main:worker": self.service}
        self.clusters = {"main": SimpleNamespace(name="main")}

    def regions(self, name: str) -> Iterator[tuple[str, Any]]:
        yield "here", self

    def backend(self, name: str, region: str) -> Any:
        return self

    def describe_task_definition(self, name: str) -> Any:
        return SimpleNamespace(container_definitions=[], memory=300, cpu=0, placement_constraints=[])

    def hosts(self, *wanted: str) -> list[Host]:
        return [Host(name, {}, 1024, 900 if name not in self.started else 0) for name in self.machines]

    def living(self, region: str, cluster: str) -> list[Any]:
        return [
            SimpleNamespace(
                service="worker", last_status="RUNNING", deployment=self.service.primary.id, container_instance_arn=name
            )
            for name in self.started
        ]

    def start(self, order: Any, host: Host) -> Any:
        self.started.append(host.arn)
        return SimpleNamespace(id=host.arn)

    def second_of_start(self, registered: int) -> int:
        """When the task starts, of a machine that registers at that second."""
        scheduler: Any = ServiceScheduler(self, self)  # type: ignore[arg-type]
        for now in range(NEVER):
            self.machines = ["machine"] if now >= registered else []
            scheduler.step(float(now))
            if self.started:
                return now
        return NEVER


@pytest.mark.parametrize(
    ("registered", "started"),
    [
        (49, 49),
        (51, 350),
        (75, 350),
        (351, 950),
        (951, 2150),
        (2151, 3770),
        (3771, 5390),
    ],
)
def test_a_service_whose_task_finds_no_machine_for_50_s_is_tried_again_after_5_to_27_minutes(
    registered: int, started: int
) -> None:
    assert Region().second_of_start(registered) == started


def test_a_daemon_follows_the_registration() -> None:
    assert Region(scheduling_strategy="DAEMON").second_of_start(75) == 75


def test_tasks_of_a_capacity_provider_wait_without_being_throttled() -> None:
    region = Region(capacity_provider_strategy=[{"capacityProvider": "workers"}])

    assert region.second_of_start(75) == 75


def test_a_service_without_a_missing_task_is_not_throttled() -> None:
    region = Region()
    scheduler: Any = ServiceScheduler(region, region)  # type: ignore[arg-type]

    for now in range(100):
        region.service.desired_count = now % 2
        scheduler.step(float(now))

    assert region.service.throttle == PlacementThrottle(failing_since=99.0)


def test_a_throttled_service_is_as_patient_as_before_once_a_task_was_placed() -> None:
    throttle = PlacementThrottle()
    throttle.failed(0, PATIENCE)
    throttle.failed(PATIENCE, PATIENCE)
    assert not throttle.allows(PATIENCE + 299)

    throttle.succeeded()

    throttle.failed(PATIENCE + 1, PATIENCE)
    assert throttle.allows(PATIENCE + 2)
