"""A case for each kind of resource: what it needs, how it is made, and how it differs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from hfecs.aws.tags import pairs
from hfecs.provisioning.deadline import Deadline
from hfecs.provisioning.stack import Stack
from hfecs.resources import (
    alarm,
    auto_scaling_group,
    bucket,
    capacity_provider,
    ecs_cluster,
    image_repository,
    instance,
    instance_profile,
    launch_template,
    log_group,
    parameter,
    role,
    scalable_target,
    scaling_policy,
    scheduled_action,
    security_group,
    service,
    service_scaling_policy,
    task_definition,
)
from hfecs.resources.security_group import Rule

Ensure = Callable[[Stack], object]
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
STEPS = [{"MetricIntervalLowerBound": 0.0, "ScalingAdjustment": 1}]
LATER, SOONER = (Deadline(datetime(2035, month, 1, tzinfo=UTC)) for month in (2, 1))


@dataclass(frozen=True)
class Case:
    """A resource as it is first wanted (`make`), and as it is wanted later (`differ`, which names `field`)."""

    module: Any
    make: Ensure
    differ: Ensure | None = None
    field: str = ""
    needs: Callable[[Stack], object] = lambda stack: None
    name: str = "thing"
    has_owner: bool = True

    def __str__(self) -> str:
        return str(self.module.KIND)


def policy_document(bucket_name: str) -> dict[str, Any]:
    statement = {
        "Sid": "Read",
        "Effect": "Allow",
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{bucket_name}/*",
    }
    return {"Version": "2012-10-17", "Statement": [statement]}


def bucket_policy(sid: str) -> dict[str, Any]:
    statement = {"Sid": sid, "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::hfecs-b/*"}
    return {"Version": "2012-10-17", "Statement": [statement]}


def vpc(stack: Stack) -> str:
    return stack.cloud.ec2.describe_vpcs()["Vpcs"][0]["VpcId"]


def subnets(stack: Stack) -> list[str]:
    return sorted(subnet["SubnetId"] for subnet in stack.cloud.ec2.describe_subnets()["Subnets"])


def image() -> str:
    return "ami-12c6146b"


def cluster(stack: Stack) -> None:
    stack.cloud.ecs.create_cluster(clusterName=stack.full_name("cluster"))


def task(name: str = "worker", **more: Any) -> dict[str, Any]:
    return {"containerDefinitions": [{"name": name, "image": "hfecs:1", "memoryReservation": 64} | more]}


def definition(stack: Stack) -> str:
    answer = stack.cloud.ecs.register_task_definition(family="work", **task())
    return answer["taskDefinition"]["taskDefinitionArn"]


def cluster_and_service(stack: Stack) -> None:
    cluster(stack)
    stack.cloud.ecs.create_service(
        cluster=stack.full_name("cluster"), serviceName=stack.full_name("thing"), taskDefinition=definition(stack)
    )


def target(stack: Stack) -> str:
    return f"service/{stack.full_name('cluster')}/{stack.full_name('thing')}"


def template(stack: Stack) -> str:
    """The id of a launch template; the same one each time."""
    known = stack.cloud.ec2.describe_launch_templates()["LaunchTemplates"]
    if known:
        return known[0]["LaunchTemplateId"]
    data: Any = {"ImageId": image(), "InstanceType": "t2.micro"}
    answer = stack.cloud.ec2.create_launch_template(LaunchTemplateName="template", LaunchTemplateData=data)
    return answer["LaunchTemplate"]["LaunchTemplateId"]


def group(stack: Stack) -> str:
    """The Auto Scaling group to which policies belong."""
    stack.cloud.autoscaling.create_auto_scaling_group(
        AutoScalingGroupName=stack.full_name("workers"),
        LaunchTemplate={"LaunchTemplateId": template(stack)},
        MinSize=0,
        MaxSize=1,
        VPCZoneIdentifier=subnets(stack)[0],
    )
    return stack.full_name("workers")


def cluster_and_group(stack: Stack) -> None:
    """What a capacity provider brings together."""
    cluster(stack)
    stack.cloud.autoscaling.update_auto_scaling_group(
        AutoScalingGroupName=group(stack), NewInstancesProtectedFromScaleIn=True
    )


def make_role(stack: Stack, name: str = "worker") -> str:
    full_name = stack.iam_name(name)
    stack.cloud.iam.create_role(
        RoleName=full_name,
        Path=stack.iam_path,
        AssumeRolePolicyDocument='{"Version": "2012-10-17", "Statement": []}',
        Tags=pairs(stack.tags(name)),
    )
    return full_name


def two_roles(stack: Stack) -> None:
    make_role(stack, "first")
    make_role(stack, "second")


def an_alarm(threshold: float) -> Ensure:
    wanted = {
        "Namespace": "hyperflow",
        "MetricName": "QueueLength",
        "Dimensions": [{"Name": "ClusterName", "Value": "hyperflow"}],
        "Statistic": "Average",
        "Period": 10,
        "EvaluationPeriods": 1,
        "Threshold": threshold,
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "AlarmActions": [],
    }
    return lambda stack: alarm.ensure(stack, "thing", alarm=wanted)


def a_provider(step: int) -> Ensure:
    def ensure(stack: Stack) -> str:
        name = stack.full_name("cluster")
        (known,) = stack.cloud.ecs.describe_clusters(clusters=[name])["clusters"]
        (workers,) = stack.cloud.autoscaling.describe_auto_scaling_groups()["AutoScalingGroups"]
        return capacity_provider.ensure(
            stack,
            "workers",
            cluster=name,
            attached=known.get("capacityProviders", []),
            group=workers["AutoScalingGroupARN"],
            scaling={"status": "ENABLED", "targetCapacity": 100, "minimumScalingStepSize": step},
        )

    return ensure


def a_group(most: int) -> Ensure:
    return lambda stack: auto_scaling_group.ensure(
        stack,
        "thing",
        template_id=template(stack),
        subnet_ids=subnets(stack)[:2],
        sizes={"MinSize": 0, "MaxSize": most},
        desired=0,
    )


def a_machine(kind: str) -> Ensure:
    return lambda stack: instance.ensure(
        stack, "thing", launch={"ImageId": image(), "InstanceType": kind, "SubnetId": subnets(stack)[0]}
    )


def a_service(revision: int) -> Ensure:
    def ensure(stack: Stack) -> str:
        definitions = sorted(stack.cloud.ecs.list_task_definitions()["taskDefinitionArns"])
        settings = {"taskDefinition": definitions[revision]}
        return service.ensure(stack, "thing", cluster=stack.full_name("cluster"), desired=1, settings=settings)

    return ensure


def a_step_policy(warmup: int) -> dict[str, Any]:
    return {"AdjustmentType": "ChangeInCapacity", "StepAdjustments": STEPS, "EstimatedInstanceWarmup": warmup}


def a_service_policy(cooldown: int) -> Ensure:
    policy = {"AdjustmentType": "ChangeInCapacity", "StepAdjustments": STEPS, "Cooldown": cooldown}
    return lambda stack: service_scaling_policy.ensure(stack, "thing", target=target(stack), policy=policy)


def a_scalable_target(most: int) -> Ensure:
    return lambda stack: scalable_target.ensure(
        stack,
        "thing",
        cluster=stack.full_name("cluster"),
        service=stack.full_name("thing"),
        least=0,
        most=most,
    )


def scalable(stack: Stack) -> None:
    cluster_and_service(stack)
    stack.cloud.application_autoscaling.register_scalable_target(
        ServiceNamespace="ecs",
        ResourceId=target(stack),
        ScalableDimension="ecs:service:DesiredCount",
        MinCapacity=0,
        MaxCapacity=1,
    )


def cluster_and_definitions(stack: Stack) -> None:
    cluster(stack)
    definition(stack)
    definition(stack)


def firewall(*rules: Rule) -> Ensure:
    return lambda stack: security_group.ensure(stack, "thing", vpc_id=vpc(stack), description="d", rules=rules)


def lifecycle(kept: int) -> dict[str, Any]:
    selection = {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": kept}
    return {"rules": [{"rulePriority": 1, "selection": selection, "action": {"type": "expire"}}]}


CASES = [
    Case(alarm, an_alarm(1), an_alarm(2), "Threshold: 1.0 -> 2"),
    Case(auto_scaling_group, a_group(3), a_group(4), "MaxSize: 3 -> 4", template),
    Case(
        bucket,
        lambda stack: bucket.ensure(stack, "hfecs-b", policy=bucket_policy("Old")),
        lambda stack: bucket.ensure(stack, "hfecs-b", policy=bucket_policy("New")),
        "policy",
        name="hfecs-b",
    ),
    Case(
        capacity_provider,
        a_provider(1),
        a_provider(2),
        "managedScaling.minimumScalingStepSize: 1 -> 2",
        cluster_and_group,
        name="workers",
    ),
    Case(
        ecs_cluster,
        lambda stack: ecs_cluster.ensure(stack, "cluster", insights=False),
        lambda stack: ecs_cluster.ensure(stack, "cluster", insights=True),
        "insights: disabled -> enabled",
        name="cluster",
    ),
    Case(
        image_repository,
        lambda stack: image_repository.ensure(stack, "worker", lifecycle=lifecycle(10)),
        lambda stack: image_repository.ensure(stack, "worker", lifecycle=lifecycle(20)),
        "lifecycle",
        name="worker",
    ),
    Case(
        instance,
        a_machine("t2.micro"),
        a_machine("t2.small"),
        "InstanceType: t2.micro -> t2.small (replaced)",
        has_owner=False,
    ),
    Case(
        instance_profile,
        lambda stack: instance_profile.ensure(stack, "thing", role=stack.iam_name("first")),
        lambda stack: instance_profile.ensure(stack, "thing", role=stack.iam_name("second")),
        "role: none -> hfecs-hyperflow-us-east-1-second",
        two_roles,
    ),
    Case(
        launch_template,
        lambda stack: launch_template.ensure(stack, "thing", data={"InstanceType": "t2.micro"}),
        lambda stack: launch_template.ensure(stack, "thing", data={"InstanceType": "t2.small"}),
        "InstanceType: t2.micro -> t2.small",
    ),
    Case(
        log_group,
        lambda stack: log_group.ensure(stack, "logs", retention_days=30),
        lambda stack: log_group.ensure(stack, "logs", retention_days=7),
        "retention_days: 30 -> 7",
        name="logs",
    ),
    Case(parameter, lambda stack: parameter.ensure(stack, "thing")),
    Case(
        role,
        lambda stack: role.ensure(stack, "thing", trust=TRUST, policy=policy_document("a")),
        lambda stack: role.ensure(stack, "thing", trust=TRUST, policy=policy_document("b")),
        "policy.Statement[Read].Resource: arn:aws:s3:::a/* -> arn:aws:s3:::b/*",
    ),
    Case(
        scalable_target,
        a_scalable_target(3),
        a_scalable_target(4),
        "MaxCapacity: 3 -> 4",
        cluster_and_service,
        has_owner=False,
    ),
    Case(
        scaling_policy,
        lambda stack: scaling_policy.ensure(stack, "thing", group=stack.full_name("workers"), policy=a_step_policy(60)),
        lambda stack: scaling_policy.ensure(stack, "thing", group=stack.full_name("workers"), policy=a_step_policy(90)),
        "EstimatedInstanceWarmup: 60 -> 90",
        group,
        has_owner=False,
    ),
    Case(
        scheduled_action,
        lambda stack: scheduled_action.ensure(stack, "thing", group=stack.full_name("workers"), deadline=LATER),
        lambda stack: scheduled_action.ensure(stack, "thing", group=stack.full_name("workers"), deadline=SOONER),
        f"deadline: {LATER} -> {SOONER}",
        group,
        has_owner=False,
    ),
    Case(
        security_group,
        firewall(Rule(5672, "192.0.2.7/32")),
        firewall(Rule(5672, "192.0.2.8/32")),
        "ingress tcp 5672 from 192.0.2.7/32: open -> closed; ingress tcp 5672 from 192.0.2.8/32: closed -> open",
    ),
    Case(
        service,
        a_service(0),
        a_service(1),
        "taskDefinition",
        cluster_and_definitions,
    ),
    Case(
        service_scaling_policy,
        a_service_policy(60),
        a_service_policy(90),
        "Cooldown: 60 -> 90",
        scalable,
        has_owner=False,
    ),
    Case(
        task_definition,
        lambda stack: task_definition.ensure(stack, "thing", definition=task()),
        lambda stack: task_definition.ensure(stack, "thing", definition=task(memoryReservation=128)),
        "containerDefinitions[worker].memoryReservation: 64 -> 128 (replaced)",
    ),
]
