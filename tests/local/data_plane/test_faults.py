"""What fails on the local cloud because a test wants to see what comes of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from hfecs.local.data_plane.faults import Faults

from ..conftest import Site, until

GROUP = "failing"
QUOTA = "VcpuLimitExceeded: You have requested more vCPU capacity than your current vCPU limit of 5 allows."
NO_KEY = "Client.InternalError: Client error on launch"
NAMED: Any = [{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": GROUP}]}]

SetFaults = Callable[..., None]


@pytest.fixture
def faults(site: Site) -> Iterator[SetFaults]:
    """Sets what fails from now on; at the end of the test nothing does."""
    path = site.cloud.directory / "faults.json"

    def write(**tables: dict[str, str]) -> None:
        path.write_text(json.dumps(tables))

    yield write
    path.unlink(missing_ok=True)


@pytest.fixture
def group(site: Site, cluster: str) -> Iterator[str]:
    """A group of no machines."""
    data: Any = {"ImageId": "ami-12345678", "InstanceType": "t2.micro", "UserData": ""}
    site.ec2.create_launch_template(LaunchTemplateName=GROUP, LaunchTemplateData=data)
    subnet = site.ec2.describe_subnets()["Subnets"][0]["SubnetId"]
    site.autoscaling.create_auto_scaling_group(
        AutoScalingGroupName=GROUP,
        LaunchTemplate={"LaunchTemplateName": GROUP},
        MinSize=0,
        MaxSize=3,
        VPCZoneIdentifier=subnet,
        Tags=[{"Key": "Name", "Value": GROUP, "PropagateAtLaunch": True}],
    )
    yield GROUP
    site.autoscaling.delete_auto_scaling_group(AutoScalingGroupName=GROUP, ForceDelete=True)
    until(lambda: not site.autoscaling.describe_auto_scaling_groups()["AutoScalingGroups"])
    site.ec2.delete_launch_template(LaunchTemplateName=GROUP)


def activity(site: Site, status: str) -> Any:
    """The newest activity of the group, once there is one in that state."""
    found: list[Any] = []

    def there() -> list[Any]:
        known = site.autoscaling.describe_scaling_activities(AutoScalingGroupName=GROUP)["Activities"]
        found[:] = [one for one in known if one["StatusCode"] == status]
        return found

    until(there)
    return found[0]


def test_a_launch_of_a_group_that_is_refused_is_an_activity_in_the_words_of_aws(
    site: Site, group: str, faults: SetFaults
) -> None:
    faults(launches={"fail*": QUOTA})

    site.autoscaling.set_desired_capacity(AutoScalingGroupName=group, DesiredCapacity=1)

    failed = activity(site, "Failed")
    words = QUOTA.partition(": ")[2]
    assert failed["StatusMessage"] == f"{words} Launching EC2 instance failed."
    assert failed["Description"] == f"Launching a new EC2 instance.  Status Reason: {failed['StatusMessage']}"


def test_a_machine_of_a_group_that_dies_while_pending_cancels_its_launch(
    site: Site, group: str, faults: SetFaults
) -> None:
    faults(deaths={GROUP: NO_KEY})

    site.autoscaling.set_desired_capacity(AutoScalingGroupName=group, DesiredCapacity=1)

    cancelled = activity(site, "Cancelled")
    assert cancelled["StatusMessage"].endswith(f"to be in InService state. Termination Reason: {NO_KEY}")
    assert "Launching a new EC2 instance: i-" in cancelled["Description"]


def test_a_launch_that_is_refused_has_the_code_of_ec2(site: Site, faults: SetFaults) -> None:
    faults(launches={GROUP: QUOTA})

    with pytest.raises(ClientError, match=r"\(VcpuLimitExceeded\).*You have requested more"):
        site.ec2.run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=1, TagSpecifications=NAMED)


def test_a_machine_that_dies_is_pending_first_and_tells_its_reason_later(site: Site, faults: SetFaults) -> None:
    faults(deaths={GROUP: NO_KEY})

    launched = site.ec2.run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=1, TagSpecifications=NAMED)

    machine = launched["Instances"][0]
    assert machine["State"]["Name"] == "pending"
    until(lambda: site.state_of(machine["InstanceId"]) == "terminated")
    told = site.ec2.describe_instances(InstanceIds=[machine["InstanceId"]])["Reservations"][0]["Instances"][0]
    assert told["StateReason"] == {"Code": "Client.InternalError", "Message": NO_KEY}


def test_an_image_that_cannot_be_pulled_stops_the_task_which_is_shown_on(
    site: Site, cluster: str, faults: SetFaults
) -> None:
    site.machine(cluster)
    site.define("unpulled", "true")
    faults(starts={"hfecs-local/*": "CannotPullContainerError: manifest unknown"})

    task = site.ended(cluster, site.run(cluster, "unpulled"))

    assert (task["stopCode"], task["stoppedReason"]) == (
        "TaskFailedToStart",
        "CannotPullContainerError: manifest unknown",
    )
    assert site.ecs.list_tasks(cluster=cluster, desiredStatus="STOPPED")["taskArns"] == [task["taskArn"]]


@pytest.mark.parametrize("text", ["", "{", "[]"])
def test_a_file_that_is_being_written_makes_nothing_fail(tmp_path: Path, text: str) -> None:
    (tmp_path / "faults.json").write_text(text)

    assert Faults(tmp_path).launch("any") is None
    assert Faults(tmp_path / "nowhere").death("any") is None
