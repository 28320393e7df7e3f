"""The launch parameters of a machine: the same for master, workers and runner, except for the role."""

from __future__ import annotations

import base64
from typing import Any

from hfecs import templating
from hfecs.aws.account import Site
from hfecs.config import Config

# Root volume of the ECS-optimised image; its snapshot has 30 GiB.
ROOT_DEVICE = "/dev/xvda"
ROOT_GIB = 30


def launch(config: Config, site: Site, *, role: str, cluster: str, profile: str, groups: list[str]) -> dict[str, Any]:
    """Launch parameters in the form of RunInstances."""
    parameters: dict[str, Any] = {
        "ImageId": site.image_id,
        "InstanceType": site.machine.name,
        "IamInstanceProfile": {"Name": profile},
        "SecurityGroupIds": groups,
        "MetadataOptions": {"HttpTokens": "required", "HttpPutResponseHopLimit": 1, "HttpEndpoint": "enabled"},
        "BlockDeviceMappings": [
            {
                "DeviceName": ROOT_DEVICE,
                "Ebs": {"VolumeSize": ROOT_GIB, "VolumeType": "gp3", "Encrypted": True, "DeleteOnTermination": True},
            }
        ],
        "UserData": templating.text(
            "user-data/machine.sh",
            cluster=cluster,
            role=role,
            stop_timeout=config.worker.stop_timeout,
            end_with_task="true" if role == "runner" else "false",
            deadline_of=config.cluster.name if role == "worker" else "itself",
            nfs_mount=(config.worker.nfs_mount or "") if role == "worker" else "",
        ),
    }
    if role != "worker":
        # The group terminates its own machines. The others shut down, and must not leave a disk behind.
        parameters["InstanceInitiatedShutdownBehavior"] = "terminate"
        parameters["MetadataOptions"]["InstanceMetadataTags"] = "enabled"
    if role == "worker" and config.scaling.spot:
        parameters["InstanceMarketOptions"] = {"MarketType": "spot"}
    if config.cluster.key_pair_name:
        parameters["KeyName"] = config.cluster.key_pair_name
    return parameters


def template_data(parameters: dict[str, Any]) -> dict[str, Any]:
    """The same for a launch template, which requires encoded user data."""
    return parameters | {"UserData": base64.b64encode(parameters["UserData"].encode()).decode()}


def on(role: str) -> str:
    """The placement expression for the machines of a role."""
    return f"attribute:hfecs.role == {role}"


def on_machine(role: str, instance_id: str) -> str:
    """The placement expression for one machine: another of its role may be about to end."""
    return f"{on(role)} and ec2InstanceId == {instance_id}"
