"""Monitoring: a machine with InfluxDB, which stores the metrics, and Grafana, which shows them.

It is independent: clusters find it by its tags and write to it; they come and go while it keeps their metrics.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from hfecs import templating
from hfecs.aws import account
from hfecs.blueprints import deadlines, images, machines
from hfecs.blueprints.foundation import SSH
from hfecs.blueprints.machines import in_subnet, launch, one_on_each
from hfecs.blueprints.metrics import DATABASE, MONITORING, WRITER, WRITER_PASSWORD
from hfecs.config import Config, Worker
from hfecs.parallel import together
from hfecs.provisioning.preview import ask_first
from hfecs.provisioning.stack import Stack
from hfecs.provisioning.teardown import Paragraphs, remove, survey
from hfecs.resources import (
    container_instance,
    ecs_cluster,
    instance,
    instance_profile,
    log_group,
    parameter,
    role,
    security_group,
    service,
    service_linked_role,
    task,
    task_definition,
)
from hfecs.resources.security_group import Rule

STACK = MONITORING

TEARDOWN: Paragraphs = [
    [service],
    [task],
    [instance],
    [container_instance],
    [ecs_cluster, task_definition, parameter, instance_profile],
    [security_group, role, log_group],
]

ADMIN, READER = "admin", "grafana"
ADMIN_PASSWORD, READER_PASSWORD = "influxdb-admin-password", "influxdb-reader-password"
GRAFANA_PASSWORD = "grafana-password"
PASSWORDS = (ADMIN_PASSWORD, WRITER_PASSWORD, READER_PASSWORD, GRAFANA_PASSWORD)

MACHINE_ROLE, EXECUTION_ROLE = "monitoring-machine", "monitoring-execution"
# Security groups of the cluster, if it exists: they write metrics.
WRITING_GROUPS = ("members", "broker")

REPLACED = "replaces the monitoring machine: all metrics so far are lost"


def up(stack: Stack, config: Config) -> None:
    """Create the monitoring as configured, or change what differs."""
    config = _of_monitoring(images.require(stack, config, ("hfecs",)))
    place = _look(stack, config)
    ask_first(stack, partial(_make, config=config, place=place))
    _make(stack, config, place)


def _make(stack: Stack, config: Config, place: account.Site) -> None:
    group, profile, execution, passwords, *_ = together(
        lambda: _firewall(stack, config, place),
        lambda: _machine_profile(stack),
        lambda: _execution_role(stack),
        lambda: together(*[partial(parameter.ensure, stack, name) for name in PASSWORDS]),
        lambda: ecs_cluster.ensure(stack, MONITORING, insights=config.cluster.insights),
        lambda: log_group.ensure(stack, "logs", retention_days=config.cluster.log_retention_days),
        lambda: service_linked_role.ensure(stack, "ecs.amazonaws.com"),
    )

    machine = launch(config, place, role=MONITORING, cluster=stack.ecs_cluster, profile=profile, groups=[group])
    machine = in_subnet(machine, place)
    definition, itself = together(
        lambda: task_definition.ensure(
            stack,
            MONITORING,
            definition=_containers(stack, config, execution, dict(zip(PASSWORDS, passwords, strict=True))),
        ),
        lambda: instance.ensure(stack, MONITORING, launch=machine, interrupts=REPLACED),
    )

    together(
        lambda: service.ensure(
            stack, MONITORING, cluster=stack.ecs_cluster, settings=one_on_each(MONITORING, definition)
        ),
        lambda: deadlines.arm_machine(stack, config, MONITORING, itself),
    )
    stack.output(image_id=place.image_id, instance_type=place.machine.name)


def down(stack: Stack) -> None:
    """Delete the monitoring with all metrics; what a cluster starts its containers with stays as long as it does so."""
    survey(stack, [module for paragraph in TEARDOWN for module in paragraph])
    used = {secret for definition in _of_clusters(stack) for secret in _secrets(definition)}
    reason = f"cluster {stack.cluster} starts its containers with it until the next cluster up or down"
    needed = {(parameter.KIND, name): reason for name in PASSWORDS if parameter.arn(stack, name) in used}
    remove(stack, TEARDOWN, looked=True, needed=needed)


def down_with_cluster(stack: Stack) -> None:
    """Delete the monitoring, which has just been surveyed, and leave nothing for a cluster, which goes as well."""
    remove(stack, TEARDOWN, looked=True)


def _of_clusters(stack: Stack) -> list[Any]:
    """The task definitions of other stacks, from the survey."""
    found = stack.inventory.all_of(task_definition.KIND)
    return [definition.actual["taskDefinition"] for definition in found if not definition.ours]


def _secrets(definition: Any) -> list[str]:
    containers = definition["containerDefinitions"]
    return [secret["valueFrom"] for container in containers for secret in container.get("secrets", ())]


def _of_monitoring(config: Config) -> Config:
    """The configuration for its machine: its own instance type, and no settings of workers."""
    machine = config.cluster.model_copy(update={"instance_type": config.monitoring.instance_type})
    return config.model_copy(update={"cluster": machine, "worker": Worker()})


def _look(stack: Stack, config: Config) -> account.Site:
    """Survey what exists, and what the account offers, in one round of calls."""
    known, kinds = (
        account.known(stack.outputs()),
        [service_linked_role, *(module for paragraph in TEARDOWN for module in paragraph)],
    )
    place: account.Site
    place, _ = together(lambda: account.look(stack.cloud, config, known), lambda: stack.survey(kinds))
    machine = stack.seen(instance.KIND, MONITORING)
    if not (machine and machine.ours) or known.instance_type:
        return place
    # The state file is lost: another type or a newer image would replace the machine, and lose all metrics.
    return account.look(stack.cloud, config, account.of_machine(machine.actual))


def _firewall(stack: Stack, config: Config, place: account.Site) -> str:
    """Users reach Grafana and InfluxDB; the cluster, if it exists, InfluxDB. A later cluster adds its own rule."""
    writing = [found.id for name in WRITING_GROUPS if (found := stack.seen(security_group.KIND, name))]
    ports = config.ports
    rules = [Rule(port, block) for port in (ports.grafana, ports.influxdb) for block in place.admin_cidrs]
    rules += [Rule(ports.influxdb, group) for group in writing]
    rules += [Rule(SSH, block) for block in place.admin_cidrs if config.cluster.key_pair_name]
    description = "InfluxDB and Grafana of an hfecs cluster"
    return security_group.ensure(stack, MONITORING, vpc_id=place.vpc_id, description=description, rules=rules)


def _machine_profile(stack: Stack) -> str:
    trust = machines.trust(stack.cloud.partition)
    joining = templating.document("policies/machine.json", cluster=stack.ecs_cluster, **_where(stack))
    role.ensure(stack, MACHINE_ROLE, trust=trust, policy=joining)
    return instance_profile.ensure(stack, MACHINE_ROLE, role=stack.iam_name(MACHINE_ROLE))


def _execution_role(stack: Stack) -> str:
    """What ECS needs to start the containers; they have no permissions of their own."""
    trust = templating.document("policies/trust-task.json", account=stack.cloud.account)
    logs, secrets = log_group.full_name(stack), [parameter.arn(stack, name) for name in PASSWORDS]
    starting = templating.document("policies/execution.json", secrets=secrets, log_group=logs, **_where(stack))
    return role.ensure(stack, EXECUTION_ROLE, trust=trust, policy=starting)


def _where(stack: Stack) -> dict[str, str]:
    return {"partition": stack.cloud.partition, "region": stack.cloud.region, "account": stack.cloud.account}


def _containers(stack: Stack, config: Config, execution_role: str, passwords: dict[str, str]) -> Any:
    return templating.document(
        "task-definitions/monitoring.json",
        execution_role=execution_role,
        image=config.images.hfecs,
        influxdb_image=config.images.influxdb,
        grafana_image=config.images.grafana,
        influxdb_port=config.ports.influxdb,
        grafana_port=config.ports.grafana,
        database=DATABASE,
        admin=ADMIN,
        writer=WRITER,
        reader=READER,
        admin_password=passwords[ADMIN_PASSWORD],
        writer_password=passwords[WRITER_PASSWORD],
        reader_password=passwords[READER_PASSWORD],
        grafana_password=passwords[GRAFANA_PASSWORD],
        log_group=log_group.full_name(stack),
        region=stack.cloud.region,
    )
