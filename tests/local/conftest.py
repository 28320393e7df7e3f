"""A running local cloud for the tests of its parts, and clients for it."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from hfecs.local import client
from hfecs.local.client import LocalCloud

if TYPE_CHECKING:
    from mypy_boto3_autoscaling import AutoScalingClient
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_ecs import ECSClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_ssm import SSMClient

LOG_GROUP = "/hfecs/tests"


@dataclass
class Site:
    """A local cloud with clients, and short ways to the things that tests need."""

    cloud: LocalCloud
    ec2: EC2Client
    ecs: ECSClient
    ssm: SSMClient
    logs: CloudWatchLogsClient
    autoscaling: AutoScalingClient
    cloudwatch: CloudWatchClient

    def user_data(self, cluster: str, *settings: str, role: str = "worker") -> str:
        """What makes a machine join the cluster."""
        attributes = json.dumps({"hfecs.role": role})
        return "\n".join([f"ECS_CLUSTER={cluster}", f"ECS_INSTANCE_ATTRIBUTES={attributes}", *settings, ""])

    def machine(self, cluster: str, *settings: str, role: str = "worker", token: str = "") -> str:
        """Launch a machine that joins the cluster; its instance id, once it is registered."""
        chosen: dict[str, Any] = {"ClientToken": token} if token else {}
        instance = self.ec2.run_instances(
            ImageId="ami-12345678",
            InstanceType="t2.micro",
            MinCount=1,
            MaxCount=1,
            UserData=self.user_data(cluster, *settings, role=role),
            InstanceInitiatedShutdownBehavior="terminate",
            **chosen,
        )["Instances"][0]["InstanceId"]
        until(lambda: instance in self.registered(cluster))
        return instance

    def registered(self, cluster: str) -> list[str]:
        """The instances that are registered with the cluster."""
        arns = self.ecs.list_container_instances(cluster=cluster)["containerInstanceArns"]
        if not arns:
            return []
        told = self.ecs.describe_container_instances(cluster=cluster, containerInstances=arns)
        return [instance["ec2InstanceId"] for instance in told["containerInstances"]]

    def define(self, family: str, script: str, **changes: Any) -> str:
        """A task definition of one container that runs a shell script on a worker."""
        options = {"awslogs-group": LOG_GROUP, "awslogs-region": "us-east-1", "awslogs-stream-prefix": "test"}
        container = {
            "name": "main",
            "image": "hfecs-local/worker",
            "memoryReservation": 300,
            "command": ["sh", "-c", script],
            "logConfiguration": {"logDriver": "awslogs", "options": options},
            **changes,
        }
        self.ecs.register_task_definition(
            family=family,
            containerDefinitions=[container],  # type: ignore[list-item]
            placementConstraints=[{"type": "memberOf", "expression": "attribute:hfecs.role == worker"}],
        )
        return family

    def run(self, cluster: str, family: str, **options: Any) -> str:
        """Run a task; its ARN."""
        return self.ecs.run_task(cluster=cluster, taskDefinition=family, **options)["tasks"][0]["taskArn"]

    def task(self, cluster: str, arn: str) -> Any:
        """A task as it is now."""
        return self.ecs.describe_tasks(cluster=cluster, tasks=[arn])["tasks"][0]

    def ended(self, cluster: str, arn: str) -> Any:
        """A task once it has stopped."""
        until(lambda: self.task(cluster, arn)["lastStatus"] == "STOPPED")
        return self.task(cluster, arn)

    def service(self, cluster: str, name: str) -> Any:
        """A service as it is now."""
        return self.ecs.describe_services(cluster=cluster, services=[name])["services"][0]

    def state_of(self, instance: str) -> str:
        """The state of an instance."""
        found = self.ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]
        return found["State"]["Name"]


def until(happened: Callable[[], object], seconds: float = 15.0) -> None:
    """Look again and again, as a client of AWS does; the local cloud takes fractions of a second for everything."""
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, "It did not happen in time."
        threading.Event().wait(0.02)


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A local cloud whose machines boot at once and whose alarms are evaluated twice a second."""
    directory: Path = tmp_path_factory.mktemp("local") / ".hfecs"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HFECS_LOCAL_BOOT", "0")
        patch.setenv("HFECS_LOCAL_LINGER", "0.5")
        patch.setenv("HFECS_LOCAL_TICK", "0.5")
        patch.setenv("HFECS_LOCAL_SCALE_IN", "1")
        cloud = client.up(directory)
    session = boto3.session.Session("local", "local", region_name=client.REGION)

    def opened(name: Any) -> Any:
        return session.client(name, endpoint_url=cloud.endpoint_url)

    names = ("ec2", "ecs", "ssm", "logs", "autoscaling", "cloudwatch")
    site = Site(cloud, *(opened(name) for name in names))
    site.logs.create_log_group(logGroupName=LOG_GROUP)
    yield site
    client.down(directory)


@pytest.fixture
def cluster(site: Site, request: pytest.FixtureRequest) -> str:
    """A cluster of the test's own."""
    name = request.node.name[:200]
    site.ecs.create_cluster(clusterName=name)
    return str(name)
