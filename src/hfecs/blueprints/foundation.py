"""What everything else needs: permissions, secrets, logs, firewalls, the empty ECS cluster."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from hfecs import templating
from hfecs.aws.account import Site
from hfecs.blueprints import broker, machines, scaling
from hfecs.config import Config
from hfecs.parallel import together
from hfecs.provisioning.stack import Stack
from hfecs.resources import (
    ecs_cluster,
    instance_profile,
    log_group,
    parameter,
    role,
    security_group,
    service_linked_role,
)
from hfecs.resources.security_group import Rule

# AWS acts through these roles; in an account without them, creating the first cluster fails for a minute.
SERVICES = ("ecs.amazonaws.com", "autoscaling.amazonaws.com")
SERVICE_SCALING = "ecs.application-autoscaling.amazonaws.com"
SPOT = "spot.amazonaws.com"

SSH = 22

# Secrets that containers of the cluster and of its runs may read; of InfluxDB's and Grafana's only the one for
# writing.
SECRETS = (
    broker.PASSWORD,
    broker.OWN_PASSWORD,
    *broker.ACCESS_KEYS.values(),
    "influxdb-writer-password",
    "influxdb-password",
    f"{broker.SECRETS_OF_RUNS}*",
)


@dataclass(frozen=True)
class Foundation:
    """What later steps need from it: names, ids and ARNs."""

    cluster: str
    members: str
    broker_group: str
    profile: str
    execution_role: str
    master_role: str
    worker_role: str
    runner_role: str
    password: str
    log_group: str
    access_keys: list[dict[str, str]] = field(default_factory=list)


def ensure(stack: Stack, config: Config, site: Site) -> Foundation:
    """Create all of it, in parallel."""
    trust = templating.document("policies/trust-task.json", account=stack.cloud.account)
    (members, broker_group), *others = together(
        lambda: _firewalls(stack, config, site),
        lambda: ecs_cluster.ensure(stack, "cluster", insights=config.cluster.insights),
        lambda: _machine_profile(stack),
        lambda: role.ensure(stack, "execution", trust=trust, policy=_starting(stack)),
        lambda: role.ensure(stack, "master", trust=trust, policy=_notifying(stack)),
        lambda: role.ensure(stack, "worker", trust=trust, policy=_staying(stack)),
        lambda: role.ensure(stack, "runner", trust=trust, policy=templating.document("policies/runner.json")),
        lambda: broker.lay_password(stack, config),
        lambda: broker.lay_access_keys(stack, config),
        lambda: log_group.ensure(stack, "logs", retention_days=config.cluster.log_retention_days),
        *_account_roles(stack, config),
    )
    cluster, profile, execution, master, worker, runner, password, keys, logs = others[:9]
    return Foundation(cluster, members, broker_group, profile, execution, master, worker, runner, password, logs, keys)


def found(stack: Stack) -> Foundation:
    """The foundation of an existing cluster, from the names of its parts."""
    cloud = stack.cloud

    def arn(name: str) -> str:
        return f"arn:{cloud.partition}:iam::{cloud.account}:role{stack.iam_path}{stack.iam_name(name)}"

    def group(name: str) -> str:
        known = stack.found(security_group.KIND, name, security_group.survey)
        return known.id if known else ""

    return Foundation(
        cluster=stack.full_name("cluster"),
        members=group("members"),
        broker_group=group("broker"),
        profile=stack.iam_name("machine"),
        execution_role=arn("execution"),
        master_role=arn("master"),
        worker_role=arn("worker"),
        runner_role=arn("runner"),
        password=parameter.arn(stack, broker.PASSWORD),
        log_group=log_group.full_name(stack),
    )


def _account_roles(stack: Stack, config: Config) -> list[Callable[[], None]]:
    wanted = [*SERVICES]
    wanted += [] if scaling.follows_machines(config.scaling) else [SERVICE_SCALING]
    wanted += [SPOT] if config.scaling.spot else []
    return [partial(service_linked_role.ensure, stack, name) for name in wanted]


def _machine_profile(stack: Stack) -> str:
    """Lets a machine join the cluster; its tasks have their own roles."""
    trust = machines.trust(stack.cloud.partition)
    joining = templating.document("policies/machine.json", cluster=stack.full_name("cluster"), **_where(stack))
    role.ensure(stack, "machine", trust=trust, policy=joining)
    return instance_profile.ensure(stack, "machine", role=stack.iam_name("machine"))


def _starting(stack: Stack) -> Any:
    """What ECS needs to start a container: pull, log, read its secrets."""
    logs, secrets = log_group.full_name(stack), [parameter.arn(stack, name) for name in SECRETS]
    return templating.document("policies/execution.json", secrets=secrets, log_group=logs, **_where(stack))


def _notifying(stack: Stack) -> Any:
    """What the notifier may do: report the queue to CloudWatch, describe machines, workers and alarms, end machines."""
    full = stack.full_name
    names = {"cluster": stack.ecs_cluster, "worker": full("worker"), "group": full("workers"), "alarms": full("")}
    names["owner"] = stack.cluster
    return templating.document("policies/master.json", **names, **_where(stack))


def _staying(stack: Stack) -> Any:
    """What an executor needs to protect itself and its machine from scale-in while it has jobs."""
    names = {"cluster": stack.ecs_cluster, "group": stack.full_name("workers")}
    return templating.document("policies/worker.json", **names, **_where(stack))


def _where(stack: Stack) -> dict[str, str]:
    return {"partition": stack.cloud.partition, "region": stack.cloud.region, "account": stack.cloud.account}


def _firewalls(stack: Stack, config: Config, site: Site) -> tuple[str, str]:
    """Members and user addresses reach the broker; with a key pair, user addresses reach ssh on all machines."""
    logging_in = [Rule(SSH, source) for source in site.admin_cidrs] if config.cluster.key_pair_name else []
    members = security_group.ensure(
        stack, "members", vpc_id=site.vpc_id, description="Workers and runner of an hfecs cluster", rules=logging_in
    )
    ports = (config.ports.amqp, config.ports.management)
    rules = [Rule(port, source) for port in ports for source in (members, *site.admin_cidrs)]
    group = security_group.ensure(
        stack,
        "broker",
        vpc_id=site.vpc_id,
        description="Broker of an hfecs cluster",
        rules=[*rules, *logging_in],
    )
    return members, group
