"""What runs on the machines: the broker and its ports, the images, the worker."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr

from hfecs.config.types import Container, NfsExport, Port, Section, Switch, WebAddress, key, web_address


class Ports(Section):
    """Ports of the broker on the master machine, and of the parts on the monitoring machine."""

    amqp: Port = key(5672, "where workers and engine reach the broker", original="server_port")
    management: Port = key(15672, "where RabbitMQ's management answers", original="server_plugin_port")
    grafana: Port = key(3000, "where a browser reaches Grafana")
    influxdb: Port = key(8086, "where InfluxDB takes metrics and answers queries")


def _broker(url: SecretStr) -> SecretStr:
    web_address(url.get_secret_value(), "amqp", "amqps")
    return url


class Broker(Section):
    """A broker of one's own, in place of the one on the master machine."""

    amqp_url: Annotated[SecretStr, AfterValidator(_broker)] | None = key(
        None,
        "amqp://USER:PASSWORD@HOST:PORT of a broker of your own; default: the one on the master machine",
        original="AMQP_URL",
    )
    management_url: WebAddress | None = key(
        None, "where its management answers, for the metrics that scale the cluster; default: port 15672 of that host"
    )


class Images(Section):
    """Container images: hfecs with the engine, the worker with the programs of the workflow, the broker."""

    hfecs: Container | None = key(None, "hfecs with the HyperFlow engine: notifier and runner")
    worker: Container | None = key(
        None, "hfecs with the programs of your workflow", original="hyperflow_worker_container"
    )
    broker: Container = key(
        "rabbitmq:3.13-management",
        "RabbitMQ below 4.1: the engine asks for smaller frames than that one takes",
        original="hyperflow_master_container",
    )
    influxdb: Container = key("influxdb:1.8", "InfluxDB 1.x, which the dashboards ask in InfluxQL")
    grafana: Container = key("grafana/grafana-oss:11.6.1", "Grafana, with the dashboards of hfecs")
    telegraf: Container = key(
        "telegraf:1.34",
        "measures processor, memory, disk and network of each machine",
        original="ec2_status_reporter",
    )


class Worker(Section):
    """The executor in each worker container."""

    threads: Annotated[int, Field(ge=1, le=256)] | None = key(
        None, "jobs side by side on one machine; default: its number of cores"
    )
    memory: Annotated[int, Field(ge=64, le=1_000_000)] = key(500, "memory set aside for a worker", unit="MiB")
    stop_timeout: Annotated[int, Field(ge=10, le=3600)] = key(
        120, "time to finish the jobs in hand when a worker is stopped", unit="seconds"
    )
    feature_download: Switch = key(
        False,
        "keep the inputs of jobs on the machine, for all its workers, and fetch again only what has changed",
        original="feature_download",
    )
    cache_gib: Annotated[int, Field(ge=1, le=1000)] = key(
        10, "room for kept inputs on a machine, whose disk has 30 GiB", unit="GiB"
    )
    allow_containers: bool = key(
        False, "let jobs run in containers of their own: workers get the Docker socket, and with it the machine"
    )
    nfs_mount: NfsExport | None = key(
        None,
        "SERVER:/DIRECTORY of an NFS server, mounted on the worker machines, /nfs in the workers",
        original="nfs_mount",
    )
