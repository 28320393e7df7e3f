"""What was created, by the words of original_variables.toml: each thing as a plain document to look into."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

from hfecs.aws.clients import Cloud
from hfecs.aws.tags import tags_of

Look = Callable[[Cloud, str], dict[str, Any]]


def _definition(part: str) -> Look:
    def look(cloud: Cloud, prefix: str) -> dict[str, Any]:
        definition = cloud.ecs.describe_task_definition(taskDefinition=f"{prefix}{part}")["taskDefinition"]
        container: Any = definition["containerDefinitions"][0]
        volumes = {volume["name"]: volume["host"]["sourcePath"] for volume in definition.get("volumes", [])}
        environment = {pair["name"]: pair["value"] for pair in container.get("environment", [])}
        return {
            "image": container["image"],
            "environment": environment,
            "port": int(environment.get("AMQP_URL", ":0").rpartition(":")[2]),
            "secrets": {pair["name"]: pair["valueFrom"].rpartition("/")[2] for pair in container.get("secrets", [])},
            "ports": {str(one["containerPort"]): one["hostPort"] for one in container.get("portMappings", [])},
            "mounts": {one["containerPath"]: volumes[one["sourceVolume"]] for one in container.get("mountPoints", [])},
        }

    return look


def _service(part: str) -> Look:
    def look(cloud: Cloud, prefix: str) -> dict[str, Any]:
        answer = cloud.ecs.describe_services(cluster=f"{prefix}cluster", services=[f"{prefix}{part}"])
        return dict(answer["services"][0]) if answer["services"] else {"status": "INACTIVE"}

    return look


def _firewall(part: str) -> Look:
    """Who reaches which port."""

    def look(cloud: Cloud, prefix: str) -> dict[str, Any]:
        filters: Any = [{"Name": "group-name", "Values": [f"{prefix}{part}"]}]
        group: Any = cloud.ec2.describe_security_groups(Filters=filters)["SecurityGroups"][0]
        open_ports: dict[str, list[str]] = {}
        for permission in group["IpPermissions"]:
            open_ports.setdefault(str(permission["FromPort"]), []).extend(
                one["CidrIp"] for one in permission["IpRanges"]
            )
        return open_ports

    return look


def _alarm(name: str) -> Look:
    return lambda cloud, prefix: dict(
        cloud.cloudwatch.describe_alarms(AlarmNames=[f"{prefix}{name}"])["MetricAlarms"][0]
    )


def _smallest(policy: Any) -> dict[str, Any]:
    return {**policy, "smallest": min(step["ScalingAdjustment"] for step in policy["StepAdjustments"])}


def _group_policy(name: str) -> Look:
    def look(cloud: Cloud, prefix: str) -> dict[str, Any]:
        answer = cloud.autoscaling.describe_policies(PolicyNames=[f"{prefix}{name}"])
        return _smallest(answer["ScalingPolicies"][0])

    return look


def _service_policy(name: str) -> Look:
    def look(cloud: Cloud, prefix: str) -> dict[str, Any]:
        answer: Any = cloud.application_autoscaling.describe_scaling_policies(ServiceNamespace="ecs")
        policies = {policy["PolicyName"]: policy for policy in answer["ScalingPolicies"]}
        found = policies.get(f"{prefix}{name}")
        return _smallest(found["StepScalingPolicyConfiguration"]) if found else {}

    return look


def _template(cloud: Cloud, prefix: str) -> dict[str, Any]:
    answer = cloud.ec2.describe_launch_template_versions(LaunchTemplateName=f"{prefix}worker", Versions=["$Latest"])
    data: Any = answer["LaunchTemplateVersions"][0]["LaunchTemplateData"]
    commands = base64.b64decode(data["UserData"]).decode().splitlines()
    return {**data, "commands": dict.fromkeys(commands, True)}


def _master(cloud: Cloud, prefix: str) -> dict[str, Any]:
    filters: Any = [{"Name": "instance-state-name", "Values": ["running"]}]
    reservations: Any = cloud.ec2.describe_instances(Filters=filters)["Reservations"]
    machines = [machine for reservation in reservations for machine in reservation["Instances"]]
    return next(machine for machine in machines if tags_of(machine.get("Tags")).get("hfecs:name") == "master")


def _cluster(cloud: Cloud, prefix: str) -> dict[str, Any]:
    return dict(cloud.ecs.describe_clusters(clusters=cloud.ecs.list_clusters()["clusterArns"])["clusters"][0])


def _group(cloud: Cloud, prefix: str) -> dict[str, Any]:
    return dict(cloud.autoscaling.describe_auto_scaling_groups()["AutoScalingGroups"][0])


def _target(cloud: Cloud, prefix: str) -> dict[str, Any]:
    targets = cloud.application_autoscaling.describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"]
    return dict(targets[0]) if targets else {}


def _secrets(cloud: Cloud, prefix: str) -> dict[str, Any]:
    path = f"/{prefix.rstrip('-').replace('-', '/', 1)}"
    answer = cloud.ssm.get_parameters_by_path(Path=path, WithDecryption=True)
    return {
        one["Name"].rpartition("/")[2]: one["Value"] for one in answer["Parameters"] if one["Type"] == "SecureString"
    }


def _bucket(cloud: Cloud, prefix: str) -> dict[str, Any]:
    (name,) = [bucket["Name"] for bucket in cloud.s3.list_buckets()["Buckets"]]
    files = cloud.s3.list_objects_v2(Bucket=name).get("Contents", [])
    return {"name": name, "files": dict.fromkeys((file["Key"] for file in files), True)}


def _engine(cloud: Cloud, prefix: str) -> dict[str, Any]:
    """What the engine is told when it is started."""
    arns = cloud.ecs.list_tasks(cluster=f"{prefix}cluster")["taskArns"]
    tasks: Any = cloud.ecs.describe_tasks(cluster=f"{prefix}cluster", tasks=arns)["tasks"]
    pairs = tasks[0]["overrides"]["containerOverrides"][0]["environment"]
    return {pair["name"]: pair["value"] for pair in pairs}


CREATED: dict[str, Look] = {
    "cluster": _cluster,
    "master machine": _master,
    "worker template": _template,
    "group": _group,
    "firewall of the workers": _firewall("members"),
    "firewall of the broker": _firewall("broker"),
    "secrets": _secrets,
    "master definition": _definition("master"),
    "worker definition": _definition("worker"),
    "runner definition": _definition("runner"),
    "telegraf definition": _definition("telegraf"),
    "master service": _service("master"),
    "worker service": _service("worker"),
    "workers target": _target,
    "machines more": _group_policy("more"),
    "workers more": _service_policy("more"),
    "workers fewer": _service_policy("fewer"),
    "high alarm": _alarm("jobs-wait"),
    "low alarm": _alarm("no-work"),
    "bucket": _bucket,
    "engine": _engine,
}
