"""Somebody else's things under our names, without our tags: no removal touches them, nor what they contain."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hfecs.blueprints import cluster, monitoring
from hfecs.blueprints import run as run_blueprint
from hfecs.provisioning.stack import Stack
from hfecs.provisioning.state import State
from standing import stands
from support import WatchedCloud, add_machine, again, nothing_changes, stack_of, steps

READ = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::theirs/*"}
POLICY = json.dumps({"Version": "2012-10-17", "Statement": [READ]})
STEPS: Any = [{"MetricIntervalLowerBound": 0.0, "ScalingAdjustment": 1}]


def strangers_containers(stack: Stack) -> None:
    """An ECS cluster with a machine, a service and its scaling; none of them carries tags, some never can."""
    cloud, name = stack.cloud, stack.full_name("cluster")
    cloud.ecs.create_cluster(clusterName=name)
    add_machine(stack)
    container: Any = {"name": "worker", "image": "theirs:1", "memoryReservation": 64}
    cloud.ecs.register_task_definition(family="theirs", containerDefinitions=[container])
    worker = stack.full_name("worker")
    cloud.ecs.create_service(cluster=name, serviceName=worker, taskDefinition="theirs", desiredCount=1)
    target: Any = {
        "ServiceNamespace": "ecs",
        "ResourceId": f"service/{name}/{worker}",
        "ScalableDimension": "ecs:service:DesiredCount",
    }
    cloud.application_autoscaling.register_scalable_target(**target, MinCapacity=0, MaxCapacity=3)
    cloud.application_autoscaling.put_scaling_policy(
        **target,
        PolicyName=stack.full_name("more"),
        PolicyType="StepScaling",
        StepScalingPolicyConfiguration={"AdjustmentType": "ChangeInCapacity", "StepAdjustments": STEPS},
    )


def strangers_group(stack: Stack) -> None:
    """An Auto Scaling group with a policy and a scheduled action."""
    cloud, group = stack.cloud, stack.full_name("workers")
    data: Any = {"ImageId": "ami-12c6146b", "InstanceType": "t2.micro"}
    cloud.ec2.create_launch_template(LaunchTemplateName="theirs", LaunchTemplateData=data)
    cloud.autoscaling.create_auto_scaling_group(
        AutoScalingGroupName=group,
        LaunchTemplate={"LaunchTemplateName": "theirs"},
        MinSize=0,
        MaxSize=1,
        AvailabilityZones=["us-east-1a"],
    )
    cloud.autoscaling.put_scaling_policy(
        AutoScalingGroupName=group,
        PolicyName=stack.full_name("more"),
        PolicyType="StepScaling",
        AdjustmentType="ChangeInCapacity",
        StepAdjustments=STEPS,
    )
    cloud.autoscaling.put_scheduled_update_group_action(
        AutoScalingGroupName=group, ScheduledActionName=stack.full_name("overdue"), DesiredCapacity=0
    )


def strangers_role(stack: Stack) -> None:
    """A role under our path, with a policy that is called as those of runs are."""
    name = stack.iam_name("worker")
    trust = '{"Version": "2012-10-17", "Statement": []}'
    stack.cloud.iam.create_role(RoleName=name, Path=stack.iam_path, AssumeRolePolicyDocument=trust)
    stack.cloud.iam.put_role_policy(RoleName=name, PolicyName="hfecs-run-theirs", PolicyDocument=POLICY)


@pytest.mark.parametrize(
    "theirs", [strangers_containers, strangers_group, strangers_role], ids=lambda made: made.__name__
)
def test_what_a_stranger_has_under_our_names_stays_with_all_that_is_in_it(
    stack: Stack, cloud: WatchedCloud, theirs: Any
) -> None:
    theirs(stack)
    runs, watching = (stack_of(cloud, stack.state, name) for name in (run_blueprint.STACK, monitoring.STACK))

    with nothing_changes(cloud):
        run_blueprint.down(runs, with_data=True)
        cluster.down(stack)
        monitoring.down(watching)

    assert [*steps(stack), *steps(runs), *steps(watching)] == []


def test_what_is_in_our_own_cluster_goes_also_without_the_state_file(stack: Stack, cloud: WatchedCloud) -> None:
    stands(stack, scaling__worker_max=5)
    add_machine(stack)
    stack.state.document.path.unlink()
    later = again(stack, state=State.load(stack.state.document.path))

    cluster.down(later)

    gone = {step.kind for step in steps(later)}
    assert gone >= {"container-instance", "scalable-target", "service-scaling-policy", "scaling-policy"}


def test_a_policy_that_somebody_attached_to_our_role_does_not_keep_it(stack: Stack, cloud: WatchedCloud) -> None:
    stands(stack)
    theirs = cloud.iam.create_policy(PolicyName="theirs", PolicyDocument=POLICY)["Policy"]["Arn"]
    cloud.iam.attach_role_policy(RoleName=stack.iam_name("worker"), PolicyArn=theirs)

    cluster.down(again(stack))

    assert cloud.iam.list_roles(PathPrefix=stack.iam_path)["Roles"] == []
    assert cloud.iam.get_policy(PolicyArn=theirs)["Policy"]["AttachmentCount"] == 0
