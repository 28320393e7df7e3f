"""All that stands in an account, as documents that can be compared: without ids, times and what ECS counts."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from blueprints.leftovers import ALIVE
from hfecs.aws.clients import Cloud
from hfecs.aws.tags import tags_of

Inventory = dict[str, list[str]]

# What differs from one cloud to the next although the same stands there.
VOLATILE = re.compile(
    r"(?:Time|Timestamp|Date|At|Since|Id|Arn|ARN)$|^(?:events|deployments|digest|hfecs:digest|CreationDate|"
    r"ResponseMetadata|UserData|Instances|StateReason\w*|pendingCount|runningCount|Enabled\w*|requestId|revision|"
    r"registeredBy|LastModified|ETag|VersionDescription|storedBytes|Version|LastModifiedUser|StateValue|creationTime|Checksum\w*)$"
)
IDENTIFIER = re.compile(
    r"\b(?:i|sg|sgr|lt|vol|eni|ami-launch)-[0-9a-f]{8,17}\b"
    r"|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|\b[0-9a-f]{32}\b"
)
RUN = re.compile(r"\d{8}-\d{6}-[0-9a-f]{4}")
BEGAN = re.compile(r'(?<="RUN_BEGAN", "value": ")[0-9.]+')
REVISION = re.compile(r"(task-definition/[\w-]+):\d+")
KEPT = ("GroupId", "ImageId", "SubnetId", "LaunchTemplateId", "ResourceId", "executionRoleArn", "taskRoleArn")
# Ids of things that have names, so that a document that names another can be told from one that names a third.
NAMED = {"GroupId": "GroupName", "LaunchTemplateId": "LaunchTemplateName", "PolicyARN": "PolicyName"}


def inventory(cloud: Cloud) -> Inventory:
    """Everything of a kind, by kind."""
    found: dict[str, list[Any]] = {}
    for kind, document in _everything(cloud):
        found.setdefault(kind, []).append(document)
    names = _names(found)
    return {kind: sorted(_normalised(document, names) for document in items) for kind, items in found.items()}


def differences(wanted: Inventory, actual: Inventory) -> list[str]:
    """What is missing and what is there too much, in words."""
    lines = []
    for kind in sorted({*wanted, *actual}):
        lacking, surplus = list(wanted.get(kind, [])), []
        for document in actual.get(kind, []):
            if document in lacking:
                lacking.remove(document)
            else:
                surplus.append(document)
        lines += [f"missing {kind}: {document}" for document in lacking]
        lines += [f"surplus {kind}: {document}" for document in surplus]
    return lines


def _names(found: dict[str, list[Any]]) -> dict[str, str]:
    names: dict[str, str] = {}
    for key, name in NAMED.items():
        names |= {item[key]: f"<{item[name]}>" for items in found.values() for item in items if key in item}
    for machine in found.get("machine", []):
        tags = tags_of(machine.get("Tags"))
        names |= {machine["PrivateIpAddress"]: f"<address of {tags.get('hfecs:name', 'a worker')}>"}
        names |= {machine["InstanceId"]: f"<machine {tags.get('hfecs:name')}>"}
    return names


def _normalised(document: Any, names: dict[str, str]) -> str:
    text = json.dumps(_lasting(document), sort_keys=True, default=str)
    for identifier, name in names.items():
        text = text.replace(identifier, name)
    text = BEGAN.sub("<then>", IDENTIFIER.sub("<id>", text))
    named = json.loads(RUN.sub("<run>", REVISION.sub(r"\1", text)))
    return json.dumps(_lasting(named), sort_keys=True)  # in the order of names, not of ids


def _lasting(value: Any) -> Any:
    """The value without what is volatile; ids that tell something stay, with their names put in later."""
    if isinstance(value, dict):
        if value.get("Key", value.get("key")) in ("hfecs:digest", "hfecs:ends"):
            return None
        kept = {key: _lasting(item) for key, item in value.items() if key in KEPT or not VOLATILE.search(key)}
        return {key: item for key, item in kept.items() if item not in (None, [], {}, "")}
    if isinstance(value, list | tuple):
        items = [_lasting(item) for item in value]
        return sorted((item for item in items if item is not None), key=lambda item: json.dumps(item, default=str))
    return value


def _everything(cloud: Cloud) -> Iterator[tuple[str, Any]]:
    yield from _machines(cloud)
    yield from _scaling(cloud)
    yield from _containers(cloud)
    yield from _rights(cloud)
    for group in cloud.logs.describe_log_groups()["logGroups"]:
        yield "log group", group
    for parameter in cloud.ssm.describe_parameters()["Parameters"]:
        if parameter["Name"].startswith("/hfecs"):
            tags = cloud.ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId=parameter["Name"])
            yield "parameter", {"Name": parameter["Name"], "Type": parameter["Type"], "Tags": tags["TagList"]}
    for bucket in cloud.s3.list_buckets()["Buckets"]:
        objects = cloud.s3.list_objects_v2(Bucket=bucket["Name"]).get("Contents", [])
        tags = cloud.s3.get_bucket_tagging(Bucket=bucket["Name"])["TagSet"]  # type: ignore[assignment]
        encryption = cloud.s3.get_bucket_encryption(Bucket=bucket["Name"])["ServerSideEncryptionConfiguration"]
        access = cloud.s3.get_public_access_block(Bucket=bucket["Name"])["PublicAccessBlockConfiguration"]
        yield "bucket", [bucket["Name"], [item["Key"] for item in objects], tags, encryption, access]


def _machines(cloud: Cloud) -> Iterator[tuple[str, Any]]:
    answer = cloud.ec2.describe_instances(Filters=[{"Name": "instance-state-name", "Values": ALIVE}])
    for reservation in answer["Reservations"]:
        for machine in reservation["Instances"]:
            fields = ("InstanceId", "PrivateIpAddress", "ImageId", "InstanceType", "SubnetId", "SecurityGroups", "Tags")
            yield (
                "machine",
                {key: dict(machine)[key] for key in fields} | {"profile": machine["IamInstanceProfile"]["Arn"]},
            )
    for group in cloud.ec2.describe_security_groups()["SecurityGroups"]:
        yield "security group", group
    for template in cloud.ec2.describe_launch_templates()["LaunchTemplates"]:
        versions = cloud.ec2.describe_launch_template_versions(LaunchTemplateId=template["LaunchTemplateId"])
        yield "launch template", template | {"versions": versions["LaunchTemplateVersions"]}


def _scaling(cloud: Cloud) -> Iterator[tuple[str, Any]]:
    for group in cloud.autoscaling.describe_auto_scaling_groups()["AutoScalingGroups"]:
        yield "group", group
    for action in cloud.autoscaling.describe_scheduled_actions()["ScheduledUpdateGroupActions"]:
        yield "scheduled action", action
    for policy in cloud.autoscaling.describe_policies()["ScalingPolicies"]:
        yield "group policy", policy
    service: Any = {"ServiceNamespace": "ecs"}
    for target in cloud.application_autoscaling.describe_scalable_targets(**service)["ScalableTargets"]:
        yield "scalable target", target
    for step in cloud.application_autoscaling.describe_scaling_policies(**service)["ScalingPolicies"]:
        yield "service policy", step
    for alarm in cloud.cloudwatch.describe_alarms()["MetricAlarms"]:
        yield "alarm", alarm


def _containers(cloud: Cloud) -> Iterator[tuple[str, Any]]:
    arns = cloud.ecs.list_clusters()["clusterArns"]
    for cluster in cloud.ecs.describe_clusters(clusters=arns, include=["TAGS", "SETTINGS"])["clusters"]:
        if cluster["status"] == "INACTIVE":
            continue
        name = cluster["clusterName"]
        yield "cluster", cluster
        if services := cloud.ecs.list_services(cluster=name)["serviceArns"]:
            for service in cloud.ecs.describe_services(cluster=name, services=services, include=["TAGS"])["services"]:
                yield "service", service
        if tasks := cloud.ecs.list_tasks(cluster=name)["taskArns"]:
            for task in cloud.ecs.describe_tasks(cluster=name, tasks=tasks, include=["TAGS"])["tasks"]:
                yield "task", {key: task.get(key) for key in ("group", "taskDefinitionArn", "overrides", "tags")}
        if machines := cloud.ecs.list_container_instances(cluster=name)["containerInstanceArns"]:
            known = cloud.ecs.describe_container_instances(cluster=name, containerInstances=machines)
            for machine in known["containerInstances"]:
                yield "machine of a cluster", [name, machine["attributes"]]
    providers = cloud.ecs.describe_capacity_providers(capacityProviders=["hfecs-hyperflow-workers"], include=["TAGS"])
    for provider in providers["capacityProviders"]:
        yield "capacity provider", provider
    for arn in cloud.ecs.list_task_definitions(status="ACTIVE")["taskDefinitionArns"]:
        yield "task definition", cloud.ecs.describe_task_definition(taskDefinition=arn, include=["TAGS"])


def _rights(cloud: Cloud) -> Iterator[tuple[str, Any]]:
    for role in cloud.iam.list_roles()["Roles"]:
        name = role["RoleName"]
        policies = {
            policy: cloud.iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
            for policy in cloud.iam.list_role_policies(RoleName=name)["PolicyNames"]
        }
        trust = role["AssumeRolePolicyDocument"]
        yield "role", [name, role["Path"], trust, policies, cloud.iam.list_role_tags(RoleName=name)["Tags"]]
    for profile in cloud.iam.list_instance_profiles()["InstanceProfiles"]:
        roles = [role["RoleName"] for role in profile["Roles"]]
        yield "profile", [profile["InstanceProfileName"], profile["Path"], roles, profile.get("Tags")]
