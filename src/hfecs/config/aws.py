"""Where a cluster stands: account and region, machines, network."""

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
    """Which account, region and endpoint."""

    region: str | None = key(
        None, "AWS region; default: what the AWS configuration says (AWS_REGION, AWS_PROFILE)", original="ecs_region"
    )
    profile: str | None = key(None, "a profile of ~/.aws/config")
    endpoint_url: WebAddress | None = key(None, "a server that stands in for AWS; S3 is then addressed by path")
    target: Literal["aws", "local"] = key("aws", '"local": the cloud embedded in this machine, as with hfecs --local')
    task_access_key: SecretStr | None = key(
        None, "access key of workers and engine for S3, only where roles cannot be used", original="ACCESS_KEY"
    )
    task_secret_access_key: SecretStr | None = key(
        None, "the secret that belongs to it; better given as a variable", original="SECRET_ACCESS_KEY"
    )

    @model_validator(mode="after")
    def _both_or_none(self) -> Aws:
        if (self.task_access_key is None) != (self.task_secret_access_key is None):
            raise ValueError("task_access_key and task_secret_access_key go together, and one of them is missing")
        return self


class Cluster(Section):
    """The cluster and its machines."""

    name: Name = key(
        "hyperflow",
        "letters, digits, - and _, at most 32; all names in AWS are made of it",
        original="ecs_cluster_name",
    )
    instance_type: InstanceType = key("t2.micro", "EC2 type of all machines", original="launch_config_instance_type")
    ami_id: MachineImage | None = key(
        None,
        'AMI of all machines; default: the ECS-optimised Amazon Linux 2023 that was newest at the first "up"; '
        '"latest": the newest now',
        original="ecs_ami_id",
    )
    key_pair_name: str | None = key(
        None, "an EC2 key pair, to log in with ssh from network.admin_cidrs", original="key_pair_name"
    )
    master_count: Annotated[Literal[0, 1], Number] = key(
        1, "tasks with the broker on the master machine; 0 stops it", original="master_count"
    )
    log_retention_days: Retention = key(30, "how long log lines are kept", unit="days")
    insights: bool = key(False, "CloudWatch Container Insights, which cost extra")
    max_hours: Hours = key(
        12,
        'how long machines live after the last "up" or "run"; then they end by themselves; 0: for ever',
        unit="hours",
    )
    idle_minutes: Minutes = key(
        60,
        "how long a cluster stands without a job or a run; then its machines end by themselves, those of the "
        "monitoring too; 0: for ever",
        unit="minutes",
    )


class Network(Section):
    """Where the machines stand, and who reaches them."""

    vpc_id: Vpc | None = key(None, "default: the default VPC of the account")
    subnet_ids: list[Subnet] = key([], "default: all subnets of the VPC whose zone offers the instance type")
    admin_cidrs: Literal["auto"] | list[str] = key(
        "auto", "who reaches the broker and ssh: this machine's public address, or a list of CIDR blocks"
    )
    allow_world: bool = key(False, "must be true before 0.0.0.0/0 is taken as an admin CIDR")
