from __future__ import annotations

import base64
import gzip
import os
import signal

import pytest
from botocore.exceptions import ClientError

from hfecs.local.data_plane.machines import UserData, read_user_data

from ..conftest import Site, until

PATIENT = "trap 'exit 0' TERM; while :; do sleep 0.01; done"

SCRIPT = """#!/bin/bash
cat > /etc/ecs/ecs.config <<'CONFIG'
ECS_CLUSTER=montage
ECS_INSTANCE_ATTRIBUTES={"hfecs.role": "worker"}
HFECS_END_WITH_TASK=true
CONFIG
"""


def test_the_same_token_gives_the_same_machine_and_another_request_is_refused(site: Site, cluster: str) -> None:
    first = site.machine(cluster, token="once")

    again = site.machine(cluster, token="once")

    assert again == first
    with pytest.raises(ClientError, match="IdempotentParameterMismatch"):
        site.machine(cluster, role="other", token="once")


def launch(site: Site, user_data: str) -> str:
    """Launch a machine that joins no cluster."""
    launched = site.ec2.run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=1, UserData=user_data)
    return launched["Instances"][0]["InstanceId"]


def test_user_data_is_taken_up_to_16_kilobytes(site: Site) -> None:
    fits = launch(site, "#" * 16_384)

    with pytest.raises(ClientError, match=r"InvalidUserData\.Malformed.*limited to 16384 bytes"):
        launch(site, "#" * 16_385)

    site.ec2.terminate_instances(InstanceIds=[fits])


def test_machines_have_addresses_of_their_own_in_the_clouds_network(site: Site, cluster: str) -> None:
    instances = [site.machine(cluster), site.machine(cluster)]

    told = site.ec2.describe_instances(InstanceIds=instances)["Reservations"]

    addresses = {reservation["Instances"][0]["PrivateIpAddress"] for reservation in told}
    assert len(addresses) == 2
    assert all(address.startswith(f"127.{site.cloud.network}.") for address in addresses)


def test_a_machine_for_one_task_lives_on_for_a_while_and_ends_although_another_task_runs_there(
    site: Site, cluster: str
) -> None:
    instance = site.machine(cluster, "HFECS_END_WITH_TASK=true")
    site.define("once", "exit 1")
    site.define("long", PATIENT)

    site.ended(cluster, site.run(cluster, "once"))
    stands = site.state_of(instance)
    second = site.run(cluster, "long")

    until(lambda: site.state_of(instance) == "terminated")
    assert stands == "running"
    site.ended(cluster, second)


def test_a_machine_for_one_task_ends_with_it(site: Site, cluster: str) -> None:
    instance = site.machine(cluster, "HFECS_END_WITH_TASK=true")
    site.define("once", "exit 1")

    arn = site.run(cluster, "once")

    until(lambda: site.state_of(instance) == "terminated")
    assert site.task(cluster, arn)["containers"][0]["exitCode"] == 1
    assert site.registered(cluster) == []


def test_a_machine_for_one_task_does_not_wait_for_daemons(site: Site, cluster: str) -> None:
    site.define("watching", PATIENT)
    site.ecs.create_service(
        cluster=cluster, serviceName="watching", taskDefinition="watching", schedulingStrategy="DAEMON"
    )
    instance = site.machine(cluster, "HFECS_END_WITH_TASK=true")
    until(lambda: site.service(cluster, "watching")["runningCount"] == 1)
    site.define("once", "exit 0")

    site.run(cluster, "once")

    until(lambda: site.state_of(instance) == "terminated")


def test_a_terminated_machine_takes_its_tasks_along(site: Site, cluster: str) -> None:
    instance = site.machine(cluster)
    site.define("long", PATIENT)
    arn = site.run(cluster, "long")
    until(lambda: site.task(cluster, arn)["lastStatus"] == "RUNNING")

    site.ec2.terminate_instances(InstanceIds=[instance])

    task = site.ended(cluster, arn)
    until(lambda: site.state_of(instance) == "terminated")
    assert task["containers"][0]["exitCode"] in (0, None)
    assert site.registered(cluster) == []


def test_a_machine_that_dies_leaves_nothing_running(site: Site, cluster: str) -> None:
    instance = site.machine(cluster)
    site.define("escaping", "setsid sleep 1000 & wait")
    arn = site.run(cluster, "escaping")
    until(lambda: any("sleep 1000" in process.what for process in site.cloud.processes()))
    machine = next(process.pid for process in site.cloud.processes() if process.what == f"machine {instance}")

    os.kill(machine, signal.SIGKILL)

    assert f"instance {instance}" in site.ended(cluster, arn)["stoppedReason"]
    assert not any("sleep 1000" in process.what for process in site.cloud.processes())
    assert site.state_of(instance) == "terminated"


def test_a_security_group_in_use_is_not_deleted(site: Site, cluster: str) -> None:
    group = site.ec2.create_security_group(GroupName="used", Description="in use")["GroupId"]
    instance = site.ec2.run_instances(
        ImageId="ami-12345678", InstanceType="t2.micro", MinCount=1, MaxCount=1, SecurityGroupIds=[group]
    )["Instances"][0]["InstanceId"]

    with pytest.raises(ClientError, match="DependencyViolation"):
        site.ec2.delete_security_group(GroupId=group)

    site.ec2.terminate_instances(InstanceIds=[instance])
    until(lambda: site.state_of(instance) == "terminated")
    site.ec2.delete_security_group(GroupId=group)


def test_a_machine_that_is_ending_gets_no_task_again(site: Site, cluster: str) -> None:
    site.define("steady", PATIENT)
    site.ecs.create_service(cluster=cluster, serviceName="steady", taskDefinition="steady", desiredCount=1)
    instance = site.machine(cluster)
    until(lambda: site.service(cluster, "steady")["runningCount"] == 1)

    site.ec2.terminate_instances(InstanceIds=[instance])

    until(lambda: site.state_of(instance) == "terminated")
    assert site.registered(cluster) == []


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def test_the_settings_of_the_agent_are_read_from_the_script() -> None:
    assert read_user_data(encoded(SCRIPT)) == UserData("montage", {"hfecs.role": "worker"}, end_with_task=True)


def test_compressed_user_data_is_read_as_well() -> None:
    packed = base64.b64encode(gzip.compress(SCRIPT.encode())).decode()

    assert read_user_data(packed).cluster == "montage"


def test_values_may_be_quoted_and_echoed_line_by_line() -> None:
    assert read_user_data(encoded('export ECS_CLUSTER="montage"\n')) == UserData("montage")


def test_attributes_that_are_no_json_object_keep_the_machine_out_of_the_cluster() -> None:
    for attributes in ("{'hfecs.role': 'worker'}", '["worker"]', "{"):
        broken = encoded(f"ECS_CLUSTER=montage\nECS_INSTANCE_ATTRIBUTES={attributes}\n")

        assert read_user_data(broken) == UserData()


def test_a_machine_without_user_data_joins_nothing() -> None:
    assert read_user_data(None) == UserData()


def test_the_time_that_containers_have_to_stop_is_the_agents() -> None:
    assert read_user_data(encoded(SCRIPT)).stop_timeout == 30
    assert read_user_data(encoded(SCRIPT + "ECS_CONTAINER_STOP_TIMEOUT=600s\n")).stop_timeout == 600
