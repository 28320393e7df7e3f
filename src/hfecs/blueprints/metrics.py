"""Where a cluster's metrics go, and the settings of its containers for it; without a collector, none."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import unquote, urlsplit

from pydantic import SecretStr

from hfecs import templating
from hfecs.aws.tags import STACK_TAG, tags_of
from hfecs.blueprints.foundation import Foundation
from hfecs.config import Config
from hfecs.parallel import together
from hfecs.provisioning.inventory import Inventory
from hfecs.provisioning.stack import Stack
from hfecs.provisioning.teardown import absent
from hfecs.resources import ingress, instance, parameter, security_group, service, task_definition

# Names of the monitoring stack, its machine and its security group, and the accounts of its InfluxDB.
MONITORING = "monitoring"
DATABASE = "hyperflow_tests"
WRITER, WRITER_PASSWORD = "hyperflow", "influxdb-writer-password"
# The user's password of an external InfluxDB.
OWN_PASSWORD = "influxdb-password"

TELEGRAF = "telegraf"


@dataclass(frozen=True)
class Collector:
    """An InfluxDB: its address, database, user and the ARN of its password; the last two may be empty.

    `group` is the security group to get access to; empty if that is not our concern.
    """

    server: str
    database: str
    user: str
    password: str
    group: str = ""

    def environment(self) -> list[dict[str, str]]:
        """The variables of containers that write metrics."""
        values = {"INFLUXDB_URL": f"{self.server}/{self.database}", "INFLUXDB_USER": self.user}
        return [{"name": name, "value": value} for name, value in values.items() if value]

    def secrets(self) -> list[dict[str, str]]:
        """The secrets of containers that write metrics."""
        return [{"name": "INFLUXDB_PASSWORD", "valueFrom": self.password}] if self.password else []


def with_metrics(definition: Any, container: str, collector: Collector | None, **more: str) -> Any:
    """The task definition with the collector's settings in that container; unchanged without a collector."""
    if collector is None:
        return definition
    extra = [*collector.environment(), *({"name": name, "value": value} for name, value in more.items())]
    containers = [
        {
            **known,
            "environment": [*known["environment"], *extra],
            "secrets": [*known.get("secrets", []), *collector.secrets()],
        }
        if known["name"] == container
        else known
        for known in definition["containerDefinitions"]
    ]
    return {**definition, "containerDefinitions": containers}


def of_task(definition: Any) -> Collector | None:
    """The collector used by the first container of a registered task definition, if any."""
    container = definition["containerDefinitions"][0]
    environment = {pair["name"]: pair["value"] for pair in container["environment"]}
    secrets = {pair["name"]: pair["valueFrom"] for pair in container["secrets"]}
    if "INFLUXDB_URL" not in environment:
        return None
    server, _, database = environment["INFLUXDB_URL"].rpartition("/")
    return Collector(server, database, environment.get("INFLUXDB_USER", ""), secrets.get("INFLUXDB_PASSWORD", ""))


def standing(stack: Stack, config: Config) -> Collector | None:
    """The InfluxDB of the monitoring stack, if this cluster's survey found its machine."""
    machine = stack.seen(instance.KIND, MONITORING)
    if not machine or tags_of(machine.actual.get("Tags")).get(STACK_TAG) != MONITORING:
        return None
    group = stack.seen(security_group.KIND, MONITORING)
    server = f"http://{machine.actual['PrivateIpAddress']}:{config.ports.influxdb}"
    return Collector(server, DATABASE, WRITER, parameter.arn(stack, WRITER_PASSWORD), group.id if group else "")


def password_of(url: SecretStr | None) -> str:
    """The password in the URL of the user's own InfluxDB; empty if it has none."""
    return unquote(urlsplit(url.get_secret_value()).password or "") if url else ""


def named(stack: Stack, url: SecretStr | None, secret: str) -> Collector | None:
    """The user's own InfluxDB, if configured; its password is taken from a secret of that name."""
    if not url:
        return None
    parts = urlsplit(url.get_secret_value())
    arn = parameter.arn(stack, secret) if parts.password else ""
    server = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
    return Collector(server, parts.path.strip("/"), unquote(parts.username or ""), arn)


def own(stack: Stack, config: Config) -> Collector | None:
    """The user's own InfluxDB of the cluster, with its password in a secret, which is deleted if not needed."""
    url = config.monitoring.influx_url
    if password := password_of(url):
        parameter.ensure(stack, OWN_PASSWORD, value=password)
    else:
        absent(stack, parameter, OWN_PASSWORD)
    return named(stack, url, OWN_PASSWORD)


def ensure(stack: Stack, config: Config, base: Foundation) -> Collector | None:
    """Give the cluster access to its collector and run Telegraf on each machine; without a collector, neither."""
    collector = own(stack, config) or standing(stack, config)
    if collector is None:
        absent(stack, service, TELEGRAF)
        absent(stack, task_definition, TELEGRAF)
        return None
    together(lambda: _telegraf(stack, config, base, collector), lambda: _let_in(stack, config, base, collector))
    return collector


def drop_left(stack: Stack) -> None:
    """Delete the secret that `monitoring down` has left to the cluster, which does not use it any more."""
    if stack.seen(parameter.KIND, WRITER_PASSWORD) and not stack.seen(instance.KIND, MONITORING):
        of_monitoring = replace(stack, name=MONITORING, inventory=Inventory())
        of_monitoring.survey([parameter])
        absent(of_monitoring, parameter, WRITER_PASSWORD)


def watching(stack: Stack, config: Config) -> dict[str, str]:
    """What the notifier needs besides the collector."""
    alarms = ",".join(stack.full_name(name) for name in ("jobs-wait", "no-work"))
    period = str(config.monitoring.period)
    return {"ALARMS": alarms, "METRICS_PERIOD": period}


def _let_in(stack: Stack, config: Config, base: Foundation, collector: Collector) -> None:
    for source in (base.members, base.broker_group):
        if collector.group:
            ingress.ensure(stack, group=collector.group, port=config.ports.influxdb, source=source)


def _telegraf(stack: Stack, config: Config, base: Foundation, collector: Collector) -> None:
    definition = templating.document(
        "task-definitions/telegraf.json",
        execution_role=base.execution_role,
        image=config.images.telegraf,
        configuration=templating.template_path("telegraf/telegraf.conf").read_text(encoding="utf-8"),
        cluster=stack.cluster,
        period=str(config.monitoring.period),
        server=collector.server,
        database=collector.database,
        log_group=base.log_group,
        region=stack.cloud.region,
    )
    registered = task_definition.ensure(stack, TELEGRAF, definition=with_metrics(definition, TELEGRAF, collector))
    settings = {"taskDefinition": registered, "schedulingStrategy": service.DAEMON}
    service.ensure(stack, TELEGRAF, cluster=base.cluster, settings=settings)
