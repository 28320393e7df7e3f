"""What runs on the machines: the broker and its ports, the images, the worker."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr, model_validator

from hfecs.config.types import Container, NfsExport, Port, Section, Switch, WebAddress, key, web_address

# ssh, Docker, and the ECS agent, for which ECS reserves them on every machine.
TAKEN_PORTS = (22, 2375, 2376, 51678, 51679, 51680)


class Ports(Section):
    """Ports of the broker on the master machine, and of the programs on the monitoring machine."""

    amqp: Port = key(5672, "AMQP port of the broker, for workers and engine", original="server_port")
    management: Port = key(15672, "port of RabbitMQ's management API", original="server_plugin_port")
    grafana: Port = key(3000, "port of Grafana")
    influxdb: Port = key(8086, "port of InfluxDB")

    @model_validator(mode="after")
    def _are_free(self) -> Ports:
        """Two ports of one machine differ, and none is taken there already."""
        for first, second in (("amqp", "management"), ("grafana", "influxdb")):
            if getattr(self, first) == getattr(self, second):
                raise ValueError(f"{first} and {second} are both {getattr(self, first)}, on the same machine")
        for name, port in self:
            if port in TAKEN_PORTS:
                raise ValueError(f"{name} is {port}, which ssh or the ECS agent of the machine has")
        return self


def _broker(url: SecretStr) -> SecretStr:
    web_address(url.get_secret_value(), "amqp", "amqps")
    return url


class Broker(Section):
    """A broker of your own, instead of the one on the master machine."""

    amqp_url: Annotated[SecretStr, AfterValidator(_broker)] | None = key(
        None,
        "amqp://USER:PASSWORD@HOST:PORT of a broker of your own; default: the one on the master machine",
        original="AMQP_URL",
    )
    management_url: WebAddress | None = key(
        None, "URL of its management API, for the metrics that scale the cluster; default: port 15672 of that host"
    )


class Images(Section):
    """Container images: hfecs with the engine, the worker with the workflow's programs, the broker."""

    hfecs: Container | None = key(None, "hfecs with the HyperFlow engine: notifier and runner")
    worker: Container | None = key(
        None, "hfecs with the programs of your workflow", original="hyperflow_worker_container"
    )
    broker: Container = key(
        "rabbitmq:3.13-management",
        "RabbitMQ older than 4.1, which rejects the small frames that the engine requests",
        original="hyperflow_master_container",
    )
    influxdb: Container = key("influxdb:1.8", "InfluxDB 1.x; the dashboards query it in InfluxQL")
    grafana: Container = key("grafana/grafana-oss:11.6.1", "Grafana, with the dashboards of hfecs")
    telegraf: Container = key(
        "telegraf:1.34",
        "measures the CPU, memory, disk and network of each machine",
        original="ec2_status_reporter",
    )


class Worker(Section):
    """The executor in each worker container."""

    threads: Annotated[int, Field(ge=1, le=256)] | None = key(
        None, "parallel jobs on one machine; default: its number of cores"
    )
    memory: Annotated[int, Field(ge=64, le=1_000_000)] = key(500, "memory reserved for a worker", unit="MiB")
    stop_timeout: Annotated[int, Field(ge=10, le=3600)] = key(
        120, "time for a stopping worker to finish its jobs", unit="seconds"
    )
    feature_download: Switch = key(
        False,
        "cache job inputs on the machine for all its workers, and fetch them again only if they changed",
        original="feature_download",
    )
    cache_gib: Annotated[int, Field(ge=1, le=1000)] = key(
        10, "size of the input cache on a machine, whose disk has 30 GiB", unit="GiB"
    )
    allow_containers: bool = key(
        False, "let jobs run in their own containers: gives workers the Docker socket, and so control of the machine"
    )
    nfs_mount: NfsExport | None = key(
        None,
        "SERVER:/DIRECTORY of an NFS server, mounted on worker machines, at /nfs in the workers",
        original="nfs_mount",
    )
