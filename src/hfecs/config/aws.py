"""Where a cluster runs: account and region, machines, network."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import SecretStr, model_validator

from hfecs.config.types import (
    Hours,
    InstanceType,
    MachineImage,
    Minutes,
    Name,
    Number,
    Retention,
    Section,
    Subnet,
    Vpc,
    WebAddress,
    key,
)


class Aws(Section):
    """Account, region and endpoint."""

    region: str | None = key(
        None, "AWS region; default: from the AWS configuration (AWS_REGION, AWS_PROFILE)", original="ecs_region"
    )
    profile: str | None = key(None, "a profile of ~/.aws/config")
    endpoint_url: WebAddress | None = key(None, "server to use instead of AWS; S3 is then addressed by path")
    target: Literal["aws", "local"] = key("aws", '"local": the local cloud on this machine, as with hfecs --local')
    task_access_key: SecretStr | None = key(
        None, "access key for workers and engine to use S3, only if roles cannot be used", original="ACCESS_KEY"
    )
    task_secret_access_key: SecretStr | None = key(
        None, "its secret; better set as a variable", original="SECRET_ACCESS_KEY"
    )

    @model_validator(mode="after")
    def _both_or_none(self) -> Aws:
        if (self.task_access_key is None) != (self.task_secret_access_key is None):
            raise ValueError("task_access_key and task_secret_access_key must be set together")
        return self


class Cluster(Section):
    """The cluster and its machines."""

    name: Name = key(
        "hyperflow",
        "letters, digits, - and _, at most 32; prefix of all names in AWS",
        original="ecs_cluster_name",
    )
    instance_type: InstanceType | None = key(
        None,
        "EC2 type of all machines; default: t3.micro or t2.micro, whichever the region and the account's plan offer, "
        'chosen at the first "up"',
        original="launch_config_instance_type",
    )
    ami_id: MachineImage | None = key(
        None,
        'AMI of all machines; default: the newest ECS-optimised Amazon Linux 2023 at the first "up"; '
        '"latest": the newest at each "up"',
        original="ecs_ami_id",
    )
    key_pair_name: str | None = key(None, "EC2 key pair for ssh from network.admin_cidrs", original="key_pair_name")
    master_count: Annotated[Literal[0, 1], Number] = key(
        1, "broker tasks on the master machine; 0 stops the broker", original="master_count"
    )
    log_retention_days: Retention = key(30, "retention of logs", unit="days")
    insights: bool = key(False, "CloudWatch Container Insights, at extra cost")
    max_hours: Hours = key(
        12,
        'machines shut down automatically this long after the last "up" or "run"; 0: never',
        unit="hours",
    )
    idle_minutes: Minutes = key(
        60,
        "machines, including those of the monitoring, shut down automatically after this long without a job or a "
        "run; 0: never",
        unit="minutes",
    )


class Network(Section):
    """Where the machines are, and who can reach them."""

    vpc_id: Vpc | None = key(None, "default: the account's default VPC")
    subnet_ids: list[Subnet] = key([], "default: all subnets of the VPC in zones that offer the instance type")
    public_ip: Literal["auto"] | bool = key(
        "auto", "whether machines get a public address; auto: if a subnet has a route to an internet gateway"
    )
    admin_cidrs: Literal["auto"] | list[str] = key(
        "auto", "who can reach the broker and ssh: this machine's public address, or a list of CIDR blocks"
    )
    allow_world: bool = key(False, "must be true to allow 0.0.0.0/0 as an admin CIDR")
