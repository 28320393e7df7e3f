"""Capacity providers: what is checked, and how the number of machines follows the tasks."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from hfecs.local.data_plane.placement import Demand
from hfecs.local.scaling.managed import machines_for

from ..conftest import Site, until

GROUP = "provided"
PATIENT = "trap 'exit 0' TERM; while :; do sleep 0.01; done"
MANAGED: Any = {"status": "ENABLED", "targetCapacity": 100}


def demand(memory: int, **more: Any) -> Demand:
    return Demand(0, memory, frozenset(), "service:worker", **more)


def test_tasks_fill_as_few_machines_as_they_fit_on() -> None:
    assert machines_for([], 1024, 900) == 0
    assert machines_for([demand(300)] * 4, 1024, 900) == 2


def test_tasks_that_stand_alone_take_a_machine_each() -> None:
    assert machines_for([demand(300, distinct=True)] * 4, 1024, 900) == 4


def test_tasks_that_fit_on_no_new_machine_ask_for_none() -> None:
    by_attribute = demand(300, expressions=("attribute:hfecs.role == worker",))

    assert machines_for([demand(901), by_attribute], 1024, 900) == 0


@pytest.fixture
def group(site: Site, cluster: str) -> Iterator[str]:
    """A group of at most three protected machines; its ARN."""
    data = base64.b64encode(site.user_data(cluster).encode()).decode()
    site.ec2.create_launch_template(
        LaunchTemplateName=GROUP,
        LaunchTemplateData={"ImageId": "ami-12345678", "InstanceType": "t2.micro", "UserData": data},
    )
    site.autoscaling.create_auto_scaling_group(
        AutoScalingGroupName=GROUP,
        MinSize=0,
        MaxSize=3,
        LaunchTemplate={"LaunchTemplateName": GROUP, "Version": "$Latest"},
        AvailabilityZones=["us-east-1a"],
        NewInstancesProtectedFromScaleIn=True,
    )
    yield described(site)["AutoScalingGroupARN"]
    site.autoscaling.delete_auto_scaling_group(AutoScalingGroupName=GROUP, ForceDelete=True)
    until(lambda: not site.autoscaling.describe_auto_scaling_groups()["AutoScalingGroups"])
    site.ec2.delete_launch_template(LaunchTemplateName=GROUP)


def described(site: Site) -> Any:
    return site.autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[GROUP])["AutoScalingGroups"][0]


def provide(site: Site, group: str) -> str:
    site.ecs.create_capacity_provider(
        name=GROUP,
        autoScalingGroupProvider={
            "autoScalingGroupArn": group,
            "managedScaling": MANAGED,
            "managedTerminationProtection": "ENABLED",
        },
    )
    return GROUP


def give(site: Site, cluster: str, *providers: str) -> None:
    site.ecs.put_cluster_capacity_providers(
        cluster=cluster, capacityProviders=list(providers), defaultCapacityProviderStrategy=[]
    )


def serve(site: Site, cluster: str, desired: int, **more: Any) -> None:
    site.ecs.register_task_definition(
        family="provided",
        containerDefinitions=[
            {
                "name": "main",
                "image": "hfecs-local/worker",
                "memoryReservation": 300,
                "command": ["sh", "-c", PATIENT],
            }
        ],
    )
    site.ecs.create_service(
        cluster=cluster,
        serviceName="worker",
        taskDefinition="provided",
        desiredCount=desired,
        placementConstraints=[{"type": "distinctInstance"}],
        capacityProviderStrategy=[{"capacityProvider": GROUP, "weight": 1}],
        **more,
    )


def end(site: Site, cluster: str) -> None:
    site.ecs.delete_service(cluster=cluster, service="worker", force=True)
    until(lambda: site.service(cluster, "worker")["status"] == "INACTIVE")
    give(site, cluster)
    site.ecs.delete_capacity_provider(capacityProvider=GROUP)


def test_machines_come_for_tasks_without_a_place_and_go_when_they_have_none(
    site: Site, cluster: str, group: str
) -> None:
    other = site.machine(cluster)
    give(site, cluster, provide(site, group))
    assert described(site)["DesiredCapacity"] == 0

    serve(site, cluster, desired=2)

    until(lambda: site.service(cluster, "worker")["runningCount"] == 2)
    machines = [one["InstanceId"] for one in described(site)["Instances"]]
    hosts = site.ecs.describe_container_instances(
        cluster=cluster,
        containerInstances=site.ecs.list_container_instances(cluster=cluster)["containerInstanceArns"],
    )["containerInstances"]
    own = {host["ec2InstanceId"]: host.get("capacityProviderName") for host in hosts}
    assert own == {other: None, **dict.fromkeys(machines, GROUP)}
    assert [host["runningTasksCount"] for host in hosts if host["ec2InstanceId"] == other] == [0]

    site.ecs.update_service(cluster=cluster, service="worker", desiredCount=1)

    until(lambda: described(site)["DesiredCapacity"] == 1 and len(site.registered(cluster)) == 2)
    assert site.service(cluster, "worker")["runningCount"] == 1
    site.ecs.update_service(cluster=cluster, service="worker", desiredCount=0)
    until(lambda: described(site)["DesiredCapacity"] == 0 and site.registered(cluster) == [other])
    causes = site.autoscaling.describe_scaling_activities(AutoScalingGroupName=GROUP)["Activities"]
    assert all("the managed scaling of capacity provider provided" in entry["Cause"] for entry in causes)
    end(site, cluster)


def test_never_more_machines_than_the_group_takes(site: Site, cluster: str, group: str) -> None:
    give(site, cluster, provide(site, group))

    serve(site, cluster, desired=9)

    until(lambda: site.service(cluster, "worker")["runningCount"] == 3)
    assert described(site)["DesiredCapacity"] == 3
    end(site, cluster)


def test_a_machine_with_a_task_is_protected_whoever_lets_it_go(site: Site, cluster: str, group: str) -> None:
    give(site, cluster, provide(site, group))
    serve(site, cluster, desired=1)
    until(lambda: site.service(cluster, "worker")["runningCount"] == 1)
    machines = site.registered(cluster)

    site.autoscaling.set_instance_protection(
        AutoScalingGroupName=GROUP, InstanceIds=machines, ProtectedFromScaleIn=False
    )

    until(lambda: described(site)["Instances"][0]["ProtectedFromScaleIn"])
    assert site.registered(cluster) == machines
    end(site, cluster)


def test_a_provider_that_is_in_use_stays(site: Site, cluster: str, group: str) -> None:
    give(site, cluster, provide(site, group))
    serve(site, cluster, desired=0)

    with pytest.raises(ClientError, match="ResourceInUseException"):
        give(site, cluster)
    told = site.ecs.delete_capacity_provider(capacityProvider=GROUP)["capacityProvider"]
    assert told["updateStatus"] == "DELETE_FAILED"

    site.ecs.delete_service(cluster=cluster, service="worker", force=True)
    until(lambda: site.service(cluster, "worker")["status"] == "INACTIVE")
    with pytest.raises(ClientError, match="ClusterContainsCapacityProviderException"):
        site.ecs.delete_cluster(cluster=cluster)
    give(site, cluster)
    site.ecs.delete_capacity_provider(capacityProvider=GROUP)
    assert site.ecs.describe_capacity_providers(capacityProviders=[GROUP])["capacityProviders"] == []


def test_what_a_provider_needs_is_checked(site: Site, cluster: str, group: str) -> None:
    with pytest.raises(ClientError, match="Auto Scaling group ARN is invalid"):
        provide(site, group.replace(GROUP, "nobody"))
    site.autoscaling.update_auto_scaling_group(AutoScalingGroupName=GROUP, NewInstancesProtectedFromScaleIn=False)
    with pytest.raises(ClientError, match="managed termination protection setting"):
        provide(site, group)
    site.autoscaling.update_auto_scaling_group(AutoScalingGroupName=GROUP, NewInstancesProtectedFromScaleIn=True)
    provide(site, group)
    with pytest.raises(ClientError, match="already exists"):
        provide(site, group)
    with pytest.raises(ClientError, match="InvalidParameterException"):
        serve(site, cluster, desired=0)
    give(site, cluster, GROUP)
    with pytest.raises(ClientError, match="both a launch type and capacity provider strategy"):
        serve(site, cluster, desired=0, launchType="EC2")
    give(site, cluster)
    site.ecs.delete_capacity_provider(capacityProvider=GROUP)
    with pytest.raises(ClientError, match="does not exist"):
        site.ecs.delete_capacity_provider(capacityProvider=GROUP)
