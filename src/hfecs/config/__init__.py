"""The configuration: every key with its type and default. `settings.py` fills it from file, environment and flags."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Port = Annotated[int, Field(ge=1, le=65535)]
Count = Annotated[int, Field(ge=0, le=1000)]
Seconds = Annotated[int, Field(ge=0, le=86_400)]
# Periods that CloudWatch takes for alarms on high-resolution metrics.
Period = Literal[10, 20, 30, 60, 120, 180, 240, 300]
# Days that CloudWatch Logs takes for retention.
Retention = Literal[1, 3, 5, 7, 14, 30, 60, 90, 180, 365]


class Section(BaseModel):
    """A table of hfecs.toml; a key that it does not know is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Aws(Section):
    """Which account, region and endpoint."""

    region: str | None = None
    profile: str | None = None
    endpoint_url: str | None = None
    target: Literal["aws", "local"] = "aws"


class Cluster(Section):
    """The cluster and its machines."""

    name: Annotated[str, Field(pattern=r"^[a-zA-Z][a-zA-Z0-9_-]{0,31}$")] = "hyperflow"
    instance_type: Annotated[str, Field(pattern=r"^[a-z0-9-]+\.[a-z0-9-]+$")] = "t2.micro"
    ami_id: Annotated[str, Field(pattern=r"^ami-[0-9a-f]+$")] | None = None
    key_pair_name: str | None = None
    log_retention_days: Retention = 30
    insights: bool = False


class Network(Section):
    """Where the machines stand, and who reaches them."""

    vpc_id: Annotated[str, Field(pattern=r"^vpc-[0-9a-f]+$")] | None = None
    subnet_ids: list[Annotated[str, Field(pattern=r"^subnet-[0-9a-f]+$")]] = []
    admin_cidrs: list[str] | Literal["auto"] = "auto"
    allow_world: bool = False


class Ports(Section):
    """Ports of the broker on the master machine."""

    amqp: Port = 5672
    management: Port = 15672


class Images(Section):
    """Container images: hfecs with the engine, the worker with the programs of the workflow, the broker."""

    hfecs: str | None = None
    worker: str | None = None
    broker: str = "rabbitmq:3.13-management"


class Worker(Section):
    """The executor in each worker container."""

    threads: Annotated[int, Field(ge=1, le=256)] | None = None
    memory: Annotated[int, Field(ge=64, le=1_000_000)] = 500
    stop_timeout: Annotated[int, Field(ge=10, le=3600)] = 120


class Scaling(Section):
    """How many machines, and when there are more or fewer; one worker runs on each machine of the group."""

    asg_min: Count = 0
    asg_max: Count = 5
    asg_desired: Count = 0
    jobs_per_worker: Annotated[int, Field(ge=1, le=100_000)] = 2
    alarm_period: Period = 10
    evaluation_periods: Annotated[int, Field(ge=1, le=100)] = 1
    idle_periods: Annotated[int, Field(ge=1, le=1000)] = 30
    instance_cooldown: Seconds = 60
    worker_cooldown: Seconds = 60

    @model_validator(mode="after")
    def _in_order(self) -> Scaling:
        if not self.asg_min <= self.asg_desired <= self.asg_max:
            order = f"{self.asg_min}, {self.asg_desired}, {self.asg_max}"
            raise ValueError(f"asg_min <= asg_desired <= asg_max must hold, and does not for {order}")
        return self


class Run(Section):
    """How a workflow is run."""

    bucket: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")] | None = None


class Config(Section):
    """All tables."""

    aws: Aws = Aws()
    cluster: Cluster = Cluster()
    network: Network = Network()
    ports: Ports = Ports()
    images: Images = Images()
    worker: Worker = Worker()
    scaling: Scaling = Scaling()
    run: Run = Run()
