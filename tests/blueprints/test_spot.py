"""Spot machines for the workers, and for them alone."""

from __future__ import annotations

import base64
from typing import Any

from hfecs.blueprints import cluster
from hfecs.provisioning.stack import Stack
from support import WatchedCloud, configuration


def finish_within(cloud: WatchedCloud) -> str:
    """The seconds that a stopped worker has for its jobs."""
    (definition,) = [
        call for call in cloud.calls_of("RegisterTaskDefinition") if call["family"] == "hfecs-hyperflow-worker"
    ]
    (container,) = definition["containerDefinitions"]
    return str({pair["name"]: pair["value"] for pair in container["environment"]}["STOP_TIMEOUT"])


def test_the_workers_are_spot_machines_whose_agent_stops_them_at_the_warning(stack: Stack, cloud: WatchedCloud) -> None:
    cloud.forget()

    cluster.up(stack, configuration(scaling__spot=True))

    (template,), (master,) = cloud.calls_of("CreateLaunchTemplate"), cloud.calls_of("RunInstances")
    data: Any = template["LaunchTemplateData"]
    assert data["InstanceMarketOptions"] == {"MarketType": "spot"}
    assert "InstanceMarketOptions" not in master
    assert "ECS_ENABLE_SPOT_INSTANCE_DRAINING=true" in base64.b64decode(data["UserData"]).decode().splitlines()
    roles = [call["AWSServiceName"] for call in cloud.calls_of("CreateServiceLinkedRole")]
    assert "spot.amazonaws.com" in roles
    assert finish_within(cloud) == "90"


def test_by_default_nothing_is_spot(stack: Stack, cloud: WatchedCloud) -> None:
    cloud.forget()

    cluster.up(stack, configuration())

    (template,) = cloud.calls_of("CreateLaunchTemplate")
    roles = [call["AWSServiceName"] for call in cloud.calls_of("CreateServiceLinkedRole")]
    assert "InstanceMarketOptions" not in template["LaunchTemplateData"]
    assert "spot.amazonaws.com" not in roles
    assert finish_within(cloud) == "112"
