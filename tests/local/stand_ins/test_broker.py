from __future__ import annotations

import subprocess
from pathlib import Path

import pika
import pytest
from pika.exceptions import AMQPConnectionError

from ..conftest import Site, until

SERVER = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")


def answers(address: str) -> bool:
    url = f"amqp://hyperflow:sesame@{address}:5673"
    try:
        pika.BlockingConnection(pika.URLParameters(url)).close()
    except AMQPConnectionError:
        return False
    return True


def listening_beyond_loopback(site: Site) -> list[str]:
    """The addresses outside 127/8 at which a process of the cloud listens."""
    lines = subprocess.run(["ss", "-Hltnp"], capture_output=True, text=True, check=True).stdout.splitlines()
    ours = [line for line in lines if any(f"pid={process.pid}," in line for process in site.cloud.processes())]
    assert any(":5673" in line for line in ours)
    return [line for line in ours if not line.split()[3].startswith("127.")]


@pytest.mark.end_to_end
@pytest.mark.skipif(not SERVER.exists(), reason="rabbitmq-server is not installed")
def test_the_broker_runs_on_its_machine_and_leaves_nothing(site: Site, cluster: str) -> None:
    instance = site.machine(cluster)
    address = site.ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]["PrivateIpAddress"]
    site.define(
        "broker",
        "",
        image="rabbitmq:3.13-management",
        command=[],
        portMappings=[{"containerPort": 5672, "hostPort": 5673}, {"containerPort": 15672, "hostPort": 15673}],
        environment=[
            {"name": "RABBITMQ_DEFAULT_USER", "value": "hyperflow"},
            {"name": "RABBITMQ_DEFAULT_PASS", "value": "sesame"},
            {"name": "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", "value": "-rabbit channel_max 65535"},
        ],
    )

    arn = site.run(cluster, "broker")

    until(lambda: answers(address), seconds=60)
    assert listening_beyond_loopback(site) == []
    site.ecs.stop_task(cluster=cluster, task=arn)
    assert site.ended(cluster, arn)["containers"][0]["exitCode"] == 0
    assert not any("beam" in process.what for process in site.cloud.processes())
