"""The launch parameters of a machine, the same for master, workers and runner except for the role, and its tasks."""

from __future__ import annotations

import base64
from typing import Any

from hfecs import templating
from hfecs.aws.account import Site
from hfecs.config import Config
from hfecs.resources import service

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
    if site.public_ip is not None:
        # EC2 takes the address, and then the security groups too, only as settings of the network interface.
        interface = {"DeviceIndex": 0, "AssociatePublicIpAddress": site.public_ip, "DeleteOnTermination": True}
        parameters["NetworkInterfaces"] = [interface | {"Groups": parameters.pop("SecurityGroupIds")}]
    return parameters


def in_subnet(parameters: dict[str, Any], site: Site) -> dict[str, Any]:
    """The same for a machine outside the group, which is launched into the first subnet."""
    subnet = {"SubnetId": site.subnet_ids[0]}
    if "NetworkInterfaces" not in parameters:
        return parameters | subnet
    return parameters | {"NetworkInterfaces": [one | subnet for one in parameters["NetworkInterfaces"]]}


def template_data(parameters: dict[str, Any]) -> dict[str, Any]:
    """The same for a launch template, which requires encoded user data."""
    return parameters | {"UserData": base64.b64encode(parameters["UserData"].encode()).decode()}


def trust(partition: str) -> Any:
    """Who may assume the role of machines: EC2, which has another name in China (ECS tasks have one everywhere)."""
    ec2 = "ec2.amazonaws.com.cn" if partition == "aws-cn" else "ec2.amazonaws.com"
    return templating.document("policies/trust-machine.json", machines=ec2)


def on(role: str) -> str:
    """The placement expression for the machines of a role."""
    return f"attribute:hfecs.role == {role}"


def one_on_each(role: str, definition: str) -> dict[str, Any]:
    """Service settings: one task on each machine of a role, as soon as the machine has registered.

    A daemon asks for no task before its machine is there. A counted service would: machines take more than the 50
    seconds after which ECS stops trying to place its tasks, for 5 to 27 minutes. A new task starts once the old one
    has released its ports and files; a daemon allows no other order.
    """
    return {
        "taskDefinition": definition,
        "schedulingStrategy": service.DAEMON,
        "placementConstraints": [{"type": "memberOf", "expression": on(role)}],
        "deploymentConfiguration": {"minimumHealthyPercent": 0, "maximumPercent": 100},
    }


def on_machine(role: str, instance_id: str) -> str:
    """The placement expression for one machine: another of its role may be about to end."""
    return f"{on(role)} and ec2InstanceId == {instance_id}"
