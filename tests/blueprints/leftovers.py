"""What is left on AWS of a cluster, asked of moto kind by kind, without a line of the code that removes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hfecs.aws.clients import Cloud

ALIVE = ["pending", "running", "stopping", "stopped", "shutting-down"]


def leftovers(cloud: Cloud) -> list[str]:
    """Everything that exists and has to do with hfecs."""
    return [f"{kind}: {name}" for kind, name in _everything(cloud) if "hfecs" in name]


def _everything(cloud: Cloud) -> Iterator[tuple[str, str]]:
    yield from _machines(cloud)
    yield from _scaling(cloud)
    yield from _containers(cloud)
    for role in cloud.iam.list_roles()["Roles"]:
        yield "role", role["Arn"]
    for profile in cloud.iam.list_instance_profiles()["InstanceProfiles"]:
        yield "profile", profile["Arn"]
    for group in cloud.logs.describe_log_groups()["logGroups"]:
        yield "log group", group["logGroupName"]
    for repository in cloud.ecr.describe_repositories()["repositories"]:
        yield "image repository", repository["repositoryName"]
    for parameter in cloud.ssm.describe_parameters()["Parameters"]:
        yield "parameter", parameter["Name"]
    for alarm in cloud.cloudwatch.describe_alarms()["MetricAlarms"]:
        yield "alarm", alarm["AlarmName"]
    for bucket in cloud.s3.list_buckets()["Buckets"]:
        yield "bucket", bucket["Name"]


def _providers(cloud: Cloud) -> list[Any]:
    """Capacity providers are only described by name: these are the names that tests give."""
    names = [f"hfecs-{name}-workers" for name in ("hyperflow", "hyperflow-b", "a", "b")]
    return list(cloud.ecs.describe_capacity_providers(capacityProviders=names)["capacityProviders"])


def _machines(cloud: Cloud) -> Iterator[tuple[str, str]]:
    answer = cloud.ec2.describe_instances(Filters=[{"Name": "instance-state-name", "Values": ALIVE}])
    for reservation in answer["Reservations"]:
        for instance in reservation["Instances"]:
            yield "instance", f"{instance['InstanceId']} {instance.get('Tags')}"
    for group in cloud.ec2.describe_security_groups()["SecurityGroups"]:
        yield "security group", group["GroupName"]
    for template in cloud.ec2.describe_launch_templates()["LaunchTemplates"]:
        yield "launch template", template["LaunchTemplateName"]


def _scaling(cloud: Cloud) -> Iterator[tuple[str, str]]:
    for group in cloud.autoscaling.describe_auto_scaling_groups()["AutoScalingGroups"]:
        yield "group", group["AutoScalingGroupName"]
    for policy in cloud.autoscaling.describe_policies()["ScalingPolicies"]:
        yield "policy", policy["PolicyName"]
    for action in cloud.autoscaling.describe_scheduled_actions()["ScheduledUpdateGroupActions"]:
        yield "scheduled action", action["ScheduledActionName"]
    service: Any = {"ServiceNamespace": "ecs"}
    for target in cloud.application_autoscaling.describe_scalable_targets(**service)["ScalableTargets"]:
        yield "target", target["ResourceId"]
    for step in cloud.application_autoscaling.describe_scaling_policies(**service)["ScalingPolicies"]:
        yield "service policy", step["PolicyName"]


def _containers(cloud: Cloud) -> Iterator[tuple[str, str]]:
    for provider in _providers(cloud):
        yield "capacity provider", provider["name"]
    arns = cloud.ecs.list_clusters()["clusterArns"]
    for cluster in cloud.ecs.describe_clusters(clusters=arns)["clusters"]:
        if cluster["status"] != "INACTIVE":
            yield "cluster", cluster["clusterName"]
            for arn in cloud.ecs.list_services(cluster=cluster["clusterName"])["serviceArns"]:
                yield "service", arn
    for arn in cloud.ecs.list_task_definitions(status="ACTIVE")["taskDefinitionArns"]:
        yield "task definition", arn
