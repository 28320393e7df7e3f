from __future__ import annotations

import base64
from collections.abc import Iterator

import pytest
from botocore.exceptions import ClientError

from ..conftest import Site, until

GROUP = "workers"


@pytest.fixture
def group(site: Site, cluster: str) -> Iterator[str]:
    """A group of no machines, at most three, and its launch template."""
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
        Tags=[{"Key": "owner", "Value": "tests", "PropagateAtLaunch": True}],
    )
    yield GROUP
    site.autoscaling.delete_auto_scaling_group(AutoScalingGroupName=GROUP, ForceDelete=True)
    until(lambda: not site.autoscaling.describe_auto_scaling_groups()["AutoScalingGroups"])
    site.ec2.delete_launch_template(LaunchTemplateName=GROUP)


def size(site: Site) -> int:
    found = site.autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[GROUP])["AutoScalingGroups"][0]
    return sum(instance["LifecycleState"] == "InService" for instance in found["Instances"])


def test_a_group_launches_and_terminates_to_its_desired_capacity(site: Site, cluster: str, group: str) -> None:
    site.autoscaling.set_desired_capacity(AutoScalingGroupName=group, DesiredCapacity=2)
    until(lambda: size(site) == 2 and len(site.registered(cluster)) == 2)
    with pytest.raises(ClientError, match="ResourceInUse"):
        site.autoscaling.delete_auto_scaling_group(AutoScalingGroupName=group)

    site.autoscaling.set_desired_capacity(AutoScalingGroupName=group, DesiredCapacity=0)

    until(lambda: size(site) == 0 and not site.registered(cluster))
    activities = site.autoscaling.describe_scaling_activities(AutoScalingGroupName=group)["Activities"]
    assert [entry["Description"].partition(":")[0] for entry in activities] == [
        "Terminating EC2 instance",
        "Terminating EC2 instance",
        "Launching a new EC2 instance",
        "Launching a new EC2 instance",
    ]
    with pytest.raises(ClientError, match="above max value"):
        site.autoscaling.set_desired_capacity(AutoScalingGroupName=group, DesiredCapacity=4)


def test_an_instance_that_is_lost_is_replaced(site: Site, cluster: str, group: str) -> None:
    site.autoscaling.set_desired_capacity(AutoScalingGroupName=group, DesiredCapacity=1)
    until(lambda: len(site.registered(cluster)) == 1)
    lost = site.registered(cluster)[0]

    site.ec2.terminate_instances(InstanceIds=[lost])

    until(lambda: site.registered(cluster) not in ([], [lost]))


def test_a_protected_instance_is_not_scaled_in(site: Site, cluster: str, group: str) -> None:
    site.autoscaling.set_desired_capacity(AutoScalingGroupName=group, DesiredCapacity=2)
    until(lambda: len(site.registered(cluster)) == 2)
    kept = site.registered(cluster)[0]
    site.autoscaling.set_instance_protection(AutoScalingGroupName=group, InstanceIds=[kept], ProtectedFromScaleIn=True)

    site.autoscaling.set_desired_capacity(AutoScalingGroupName=group, DesiredCapacity=0)

    until(lambda: site.registered(cluster) == [kept])


def test_an_alarm_scales_the_group_by_its_policy(site: Site, cluster: str, group: str) -> None:
    policy = site.autoscaling.put_scaling_policy(
        AutoScalingGroupName=group,
        PolicyName="more",
        PolicyType="StepScaling",
        AdjustmentType="ChangeInCapacity",
        StepAdjustments=[{"MetricIntervalLowerBound": 0, "ScalingAdjustment": 2}],
    )
    dimensions = [{"Name": "ClusterName", "Value": cluster}]
    site.cloudwatch.put_metric_alarm(
        AlarmName="work",
        Namespace="hyperflow",
        MetricName="Backlog",
        Dimensions=dimensions,  # type: ignore[arg-type]
        Statistic="Average",
        Period=10,
        EvaluationPeriods=1,
        Threshold=5,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="notBreaching",
        AlarmActions=[policy["PolicyARN"]],
    )

    site.cloudwatch.put_metric_data(
        Namespace="hyperflow",
        MetricData=[{"MetricName": "Backlog", "Dimensions": dimensions, "Value": 50, "StorageResolution": 1}],  # type: ignore[typeddict-item]
    )

    until(lambda: size(site) == 2)
    alarm = site.cloudwatch.describe_alarms(AlarmNames=["work"])["MetricAlarms"][0]
    assert alarm["StateValue"] == "ALARM"
    activities = site.autoscaling.describe_scaling_activities(AutoScalingGroupName=group)["Activities"]
    assert "alarm work in state ALARM triggered policy more" in activities[0]["Cause"]
    site.cloudwatch.delete_alarms(AlarmNames=["work"])
