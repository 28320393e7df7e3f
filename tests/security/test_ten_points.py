"""The ten points that a reviewer would look at, each asked of what a cluster, its monitoring and a run made on AWS."""

from __future__ import annotations

import json
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import parliament
import pytest

from hfecs.aws import account as account_site
from hfecs.errors import Refused
from hfecs.provisioning.stack import Stack
from security.world import ACCOUNT, BUCKET, World, made
from support import ME, configuration

# Actions for which AWS knows no resource to name.
NO_RESOURCE = {
    "autoscaling:DescribeAutoScalingGroups",
    "cloudwatch:PutMetricData",
    "ec2:DescribeInstances",
    "ecr:GetAuthorizationToken",
    "ecs:DiscoverPollEndpoint",
}
# They could name one, but for what this policy needs of them.
ANY_RESOURCE = {"ecs:ListTasks"}


@pytest.fixture
def world(stack: Stack, tmp_path: Path) -> World:
    return made(stack, tmp_path)


def statements(world: World) -> Iterator[tuple[str, Any]]:
    for name, policies in world.policies().items():
        for policy in policies:
            for statement in policy["Statement"]:
                yield name, statement


def listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def test_1_no_port_is_open_to_the_world(world: World) -> None:
    ours = {group["GroupId"] for group in world.groups()}

    assert len(ours) == 3
    for group in world.groups():
        for permission in group["IpPermissions"]:
            assert permission["IpProtocol"] == "tcp"
            assert permission["FromPort"] == permission["ToPort"]
            assert {block["CidrIp"] for block in permission["IpRanges"]} <= {ME}
            assert permission.get("Ipv6Ranges", []) == []
            assert {pair["GroupId"] for pair in permission["UserIdGroupPairs"]} <= ours


@pytest.mark.parametrize("block", ["0.0.0.0/0", "0.0.0.0/1", "::/0"])
def test_1_the_world_is_refused_unless_it_is_allowed(stack: Stack, block: str) -> None:
    with pytest.raises(Refused, match="exposes the broker to the whole world"):
        account_site.look(stack.cloud, configuration(network__admin_cidrs=[block]))


def test_2_every_password_is_made_by_chance_and_nobody_comes_in_without(world: World) -> None:
    secrets = world.secrets()

    assert len(secrets) == 5
    assert len(set(secrets.values())) == len(secrets)
    assert all(len(secret) >= 24 for secret in secrets.values())
    environment = {pair["name"]: pair["value"] for one in world.containers() for pair in one.get("environment", [])}
    given = {pair["name"] for one in world.containers() for pair in one.get("secrets", [])}
    assert environment["RABBITMQ_DEFAULT_USER"] != "guest"
    assert environment["INFLUXDB_HTTP_AUTH_ENABLED"] == "true"
    assert environment["GF_AUTH_ANONYMOUS_ENABLED"] == environment["GF_USERS_ALLOW_SIGN_UP"] == "false"
    assert {"RABBITMQ_DEFAULT_PASS", "GF_SECURITY_ADMIN_PASSWORD", "INFLUXDB_ADMIN_PASSWORD"} <= given
    # The engine's Redis answers on a socket of its machine only.
    assert not any(one.get("portMappings") for one in world.task_definitions()["runner"]["containerDefinitions"])


def test_3_a_secret_stands_in_ssm_and_nowhere_else(world: World) -> None:
    told = [call for call in world.cloud.calls if call.operation != "PutParameter"]
    texts = {
        "state file": world.stack.state.document.path.read_text(),
        "user data": str(world.user_data()),
        "task definitions": json.dumps(world.task_definitions(), default=str),
        "tasks": json.dumps(world.tasks(), default=str),
        "machines and their tags": json.dumps(world.machines(), default=str),
        "what was said": world.said,
        "calls": str([call.arguments for call in told]),
    }

    assert [name for name, text in texts.items() for secret in world.secrets().values() if secret in text] == []
    assert {call["Type"] for call in world.cloud.calls_of("PutParameter")} == {"SecureString"}
    assert "AKIA" not in str(texts)


def test_4_no_container_is_privileged_or_has_the_docker_socket(world: World) -> None:
    told = json.dumps(world.task_definitions(), default=str)

    assert "docker.sock" not in told
    assert not any(container.get("privileged") for container in world.containers())
    assert all("ECS_DISABLE_PRIVILEGED=true" in script for script in world.user_data() if script)


def test_4_only_workers_that_may_run_containers_have_the_docker_socket(stack: Stack, tmp_path: Path) -> None:
    world = made(stack, tmp_path, worker__allow_containers=True)

    with_socket = [name for name, one in world.task_definitions().items() if "docker.sock" in str(one)]

    assert with_socket == ["worker"]
    assert not any(container.get("privileged") for container in world.containers())


def test_5_the_metadata_of_machines_ask_for_tokens_and_end_at_the_machine(world: World) -> None:
    options = [call["MetadataOptions"] for call in world.cloud.calls_of("RunInstances") if "MetadataOptions" in call]
    options.append(world.template()["MetadataOptions"])

    assert len(options) == 4
    assert {(option["HttpTokens"], option["HttpPutResponseHopLimit"]) for option in options} == {("required", 1)}


def test_6_each_policy_names_its_actions_and_resources(world: World) -> None:
    for name, statement in statements(world):
        assert statement["Effect"] == "Allow", name
        assert not [action for action in listed(statement["Action"]) if "*" in action], name
        if "*" in listed(statement["Resource"]):
            assert set(listed(statement["Action"])) <= NO_RESOURCE | ANY_RESOURCE, name


def test_6_no_policy_has_a_finding_of_parliament(world: World) -> None:
    findings = [
        (name, finding.issue, finding.detail)
        for name, policies in world.policies().items()
        for policy in policies
        for finding in parliament.analyze_policy_string(json.dumps(policy)).findings
    ]

    allowed = [one for one in findings if one[1] == "RESOURCE_STAR" and set(one[2]) <= NO_RESOURCE | ANY_RESOURCE]
    assert [one for one in findings if one not in allowed] == []


def test_6_the_roles_of_worker_and_engine_reach_the_bucket_of_the_run_and_no_other(world: World) -> None:
    of_roles = [one for _, one in statements(world) if any(a.startswith("s3:") for a in listed(one["Action"]))]
    assert of_roles == [], "the bucket's own policy lets them in"

    policy = json.loads(world.cloud.s3.get_bucket_policy(Bucket=BUCKET)["Policy"])
    allowing = [statement for statement in policy["Statement"] if statement["Effect"] == "Allow"]

    assert {one["Resource"] for one in allowing} == {f"arn:aws:s3:::{BUCKET}", f"arn:aws:s3:::{BUCKET}/*"}
    assert {one["Principal"]["AWS"] for one in allowing} == {
        world.roles()[name]["Arn"] for name in ("worker", "runner")
    }
    assert not [action for one in allowing for action in listed(one["Action"]) if "*" in action]
    assert not list(parliament.analyze_policy_string(json.dumps(policy)).findings)


def test_6_ecs_reads_the_secrets_that_its_containers_are_given_and_no_others(world: World) -> None:
    readable = {
        name: set(listed(statement["Resource"]))
        for name, statement in statements(world)
        if statement["Action"] == "ssm:GetParameters"
    }
    given: dict[str, set[str]] = {}
    for definition in world.task_definitions().values():
        secrets = {pair["valueFrom"] for one in definition["containerDefinitions"] for pair in one.get("secrets", [])}
        given.setdefault(definition["executionRoleArn"].rpartition("us-east-1-")[2], set()).update(secrets)

    assert set(readable) == {"execution", "monitoring-execution"} == set(given)
    assert all(given[name] <= readable[name] for name in readable)
    assert readable["monitoring-execution"] == given["monitoring-execution"]
    # Those of the cluster that are not given now are those of a user's own broker, InfluxDB and keys for S3.
    names = {arn.rpartition("/")[2] for arn in readable["execution"] - given["execution"]}
    own = {"amqp-password", "access-key", "secret-access-key", "influxdb-password"}
    assert names == own | {"run-*"}


def test_6_a_machine_may_join_its_cluster_and_nothing_else(world: World) -> None:
    for role in ("machine", "monitoring-machine"):
        actions = {action for name, one in statements(world) if name == role for action in listed(one["Action"])}
        assert {action.partition(":")[0] for action in actions} == {"ecs", "ec2"}
        assert {action for action in actions if action.startswith("ec2:")} == {"ec2:DescribeInstances"}


def test_6_the_master_ends_machines_of_its_own_cluster_only(world: World) -> None:
    found = {str(listed(one["Action"])[0]): one for name, one in statements(world) if name == "master"}

    assert found["ec2:TerminateInstances"]["Condition"] == {
        "StringEquals": {"aws:ResourceTag/hfecs:cluster": "hyperflow"}
    }
    for action in ("autoscaling:UpdateAutoScalingGroup", "autoscaling:SetInstanceProtection"):
        assert found[action]["Resource"].endswith(":autoScalingGroupName/hfecs-hyperflow-workers")
    assert found["cloudwatch:PutMetricData"]["Condition"] == {"StringEquals": {"cloudwatch:namespace": "hyperflow"}}


def test_7_a_role_is_taken_by_its_service_in_this_account_only(world: World) -> None:
    for name, role in world.roles().items():
        (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
        (service,) = statement["Principal"].values()
        if service == "ecs-tasks.amazonaws.com":
            assert statement["Condition"] == {"StringEquals": {"aws:SourceAccount": ACCOUNT}}, name
        else:
            assert (service, name) in {("ec2.amazonaws.com", one) for one in ("machine", "monitoring-machine")}


def test_8_data_at_rest_and_on_their_way_are_encrypted_and_logs_do_not_stay_for_ever(world: World) -> None:
    disks = [disk for call in world.cloud.calls_of("RunInstances") for disk in call.get("BlockDeviceMappings", [])]
    disks += world.template()["BlockDeviceMappings"]
    s3 = world.cloud.s3

    assert len(disks) == 4
    assert all(disk["Ebs"]["Encrypted"] and disk["Ebs"]["DeleteOnTermination"] for disk in disks)
    assert set(s3.get_public_access_block(Bucket=BUCKET)["PublicAccessBlockConfiguration"].values()) == {True}
    assert s3.get_bucket_encryption(Bucket=BUCKET)["ServerSideEncryptionConfiguration"]["Rules"]
    policy = json.loads(s3.get_bucket_policy(Bucket=BUCKET)["Policy"])
    (denying,) = [statement for statement in policy["Statement"] if statement["Effect"] == "Deny"]
    assert denying["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert all(group["retentionInDays"] for group in world.cloud.logs.describe_log_groups()["logGroups"])


def test_9_images_have_versions_and_no_script_runs_what_it_downloads(world: World) -> None:
    images = {container["image"] for container in world.containers()}

    assert all(re.search(r":[\w.-]*\d", image) and not image.endswith(":latest") for image in images)
    (asked,) = {call["Name"] for call in world.cloud.calls_of("GetParameter") if "ecs" in call["Name"]}
    assert "/al2023" in asked or "amazon-linux-2023" in asked
    assert not any(re.search(r"(curl|wget)[^\n]*\|\s*(ba)?sh\b", script) for script in world.user_data())


def test_10_what_grows_has_an_end_and_the_state_file_is_its_owners(world: World) -> None:
    (group,) = world.cloud.autoscaling.describe_auto_scaling_groups()["AutoScalingGroups"]
    targets = world.cloud.application_autoscaling.describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"]

    assert group["MaxSize"] == 5
    assert targets == []  # workers follow the machines
    assert stat.S_IMODE(world.stack.state.document.path.stat().st_mode) == 0o600
