"""The server that stands in for AWS: started, emptied, looked into and ended by the bench."""

from __future__ import annotations

import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

HERE = Path(__file__).parent
REGION = "us-east-1"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "bench", "AWS_SECRET_ACCESS_KEY": "bench", "AWS_DEFAULT_REGION": REGION}
IMAGE_PARAMETER = "/aws/service/ecs/optimized-ami/amazon-linux-2023/recommended/image_id"
OUR_PARAMETERS = [{"Key": "Name", "Option": "BeginsWith", "Values": ["/hfecs"]}]  # moto lists AWS's own as well


class Cloud:
    """The stand-in at an endpoint, and the file in which it logs its calls."""

    def __init__(self, endpoint: str, log: Path) -> None:
        self.endpoint = endpoint
        self.log = log
        self._clients: dict[str, Any] = {}
        self._session: Any = boto3.Session()

    def empty(self) -> None:
        """Forget all that was made, and load what moto loads at the first use, so that no tool pays for it."""
        request = urllib.request.Request(f"{self.endpoint}/moto-api/reset", method="POST")
        urllib.request.urlopen(request).close()
        self._open_default_network()
        self.image()
        self.standing()

    def image(self) -> str:
        """Return the id of a machine image that exists."""
        return str(self._client("ssm").get_parameter(Name=IMAGE_PARAMETER)["Parameter"]["Value"])

    def standing(self) -> dict[str, int]:
        """Return how many of each kind of thing stand now; kinds of which there are none are left out."""
        numbers = {kind: len(list(things)) for kind, things in self._things()}
        return {kind: number for kind, number in numbers.items() if number}

    def _open_default_network(self) -> None:
        """Give the default VPC what it has on AWS and not in moto: an internet gateway and a route to it."""
        ec2 = self._client("ec2")
        (vpc,) = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
        of_vpc = {"Name": "vpc-id", "Values": [vpc["VpcId"]]}
        (table,) = ec2.describe_route_tables(Filters=[of_vpc])["RouteTables"]
        gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc["VpcId"])
        ec2.create_route(RouteTableId=table["RouteTableId"], DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)

    def _client(self, service: str) -> Any:
        if service not in self._clients:
            self._clients[service] = self._session.client(
                service,
                endpoint_url=self.endpoint,
                region_name=REGION,
                aws_access_key_id="bench",
                aws_secret_access_key="bench",
                config=Config(user_agent_extra="hfecs-bench"),
            )
        return self._clients[service]

    def _things(self) -> Iterator[tuple[str, Any]]:
        ec2, scaling, ecs = self._client("ec2"), self._client("autoscaling"), self._client("ecs")
        iam, targets = self._client("iam"), self._client("application-autoscaling")
        clusters = _active(ecs.describe_clusters(clusters=ecs.list_clusters()["clusterArns"])["clusters"])
        groups = ec2.describe_security_groups()["SecurityGroups"]
        yield "instance", self._instances()
        yield "security group", [group for group in groups if group["GroupName"] != "default"]
        yield "launch template", ec2.describe_launch_templates()["LaunchTemplates"]
        yield "Auto Scaling group", scaling.describe_auto_scaling_groups()["AutoScalingGroups"]
        yield "group policy", scaling.describe_policies()["ScalingPolicies"]
        # Service-linked roles are the account's: no tool removes them.
        yield "role", [role for role in iam.list_roles()["Roles"] if "/aws-service-role/" not in role["Path"]]
        yield "instance profile", iam.list_instance_profiles()["InstanceProfiles"]
        yield "ECS cluster", clusters
        yield "ECS service", [service for cluster in clusters for service in self._services(cluster["clusterArn"])]
        yield "task definition", ecs.list_task_definitions()["taskDefinitionArns"]
        yield "scalable target", targets.describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"]
        yield "service policy", targets.describe_scaling_policies(ServiceNamespace="ecs")["ScalingPolicies"]
        yield "alarm", self._client("cloudwatch").describe_alarms()["MetricAlarms"]
        yield "log group", self._client("logs").describe_log_groups()["logGroups"]
        yield "parameter", self._client("ssm").describe_parameters(ParameterFilters=OUR_PARAMETERS)["Parameters"]
        yield "bucket", self._client("s3").list_buckets()["Buckets"]

    def _services(self, cluster: str) -> list[Any]:
        ecs = self._client("ecs")
        arns = ecs.list_services(cluster=cluster)["serviceArns"]
        return _active(ecs.describe_services(cluster=cluster, services=arns)["services"]) if arns else []

    def _instances(self) -> Iterator[Any]:
        for reservation in self._client("ec2").describe_instances()["Reservations"]:
            yield from (one for one in reservation["Instances"] if one["State"]["Name"] != "terminated")


def _active(things: list[Any]) -> list[Any]:
    """Leave out what ECS still lists after it was deleted."""
    return [thing for thing in things if thing["status"] == "ACTIVE"]


@contextmanager
def running(scratch: Path, delay_ms: float) -> Iterator[Cloud]:
    """Start the server in a process of its own, with its log in a scratch directory, and end it in every case."""
    log = scratch / "calls.jsonl"
    command = [sys.executable, str(HERE / "server.py"), str(delay_ms), str(log)]
    with (scratch / "server.txt").open("w") as talk:
        server = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=talk, text=True, start_new_session=True
        )
        try:
            assert server.stdout is not None
            port = server.stdout.readline().strip()
            if not port:
                raise RuntimeError(f"moto's server did not start: {(scratch / 'server.txt').read_text()[-2000:]}")
            yield Cloud(f"http://127.0.0.1:{port}", log)
        finally:
            server.kill()
            server.wait()
