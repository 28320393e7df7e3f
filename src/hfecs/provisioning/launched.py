"""What a machine was launched with, against what EC2 tells of it; and putting back what can be, while it runs."""

from __future__ import annotations

import base64
from typing import Any

from hfecs.aws.errors import ignoring
from hfecs.provisioning.diff import Differences, details
from hfecs.provisioning.stack import Stack

# EC2 tells these under the names that RunInstances has for them.
TOLD = ("ImageId", "InstanceType", "KeyName", "SubnetId", "MetadataOptions")
# These can be changed on a machine that runs.
MENDABLE = ("SecurityGroupIds", "MetadataOptions")


def differences(instance: Any, launch: Any) -> Differences:
    """The launch parameters in which a machine differs, of those that EC2 tells."""
    profile = instance.get("IamInstanceProfile", {}).get("Arn", "").rpartition("/")[2]
    actual = {
        **{field: instance.get(field) for field in TOLD},
        "IamInstanceProfile": {"Name": profile},
        "SecurityGroupIds": [group["GroupId"] for group in instance.get("SecurityGroups", [])],
    }
    wanted = {field: launch[field] for field in actual if field in launch}
    return details({"KeyName": None, **wanted}, actual)


def user_data(stack: Stack, instance_id: str, launch: Any) -> Differences:
    """What the machine was told at its first start, if that differs: one call."""
    with ignoring("InvalidInstanceID.NotFound"):
        answer = stack.cloud.ec2.describe_instance_attribute(InstanceId=instance_id, Attribute="userData")
        old = base64.b64decode(answer.get("UserData", {}).get("Value", "")).decode(errors="replace")
        return details({"UserData": launch.get("UserData", "")}, {"UserData": old})
    return {}


def can_be_repaired(fields: Differences) -> bool:
    """Whether all of these can be changed while the machine runs."""
    return all(field.partition(".")[0] in MENDABLE for field in fields)


def repair(stack: Stack, instance_id: str, launch: Any) -> None:
    """Put a machine back into its security groups, and its metadata service to its settings."""
    stack.cloud.ec2.modify_instance_attribute(InstanceId=instance_id, Groups=launch["SecurityGroupIds"])
    stack.cloud.ec2.modify_instance_metadata_options(InstanceId=instance_id, **launch["MetadataOptions"])
