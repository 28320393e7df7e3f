"""The task definitions and service settings, filled in from templates/task-definitions/."""

from __future__ import annotations

from typing import Any

from hfecs import templating
from hfecs.aws.account import Site
from hfecs.blueprints import mounts, scaling
from hfecs.blueprints.broker import Broker
from hfecs.blueprints.foundation import Foundation
from hfecs.blueprints.machines import on
from hfecs.config import Config
from hfecs.provisioning.stack import Stack

# A worker returns unfinished jobs this many seconds before ECS kills it: it then waits for the broker's
# confirmations and for its connection to close, 7 seconds at most.
SPARE_SECONDS = 8

# The longest stop timeout in seconds that a task definition can state: ECS refused more for a long time.
LONGEST_STOP_TIMEOUT = 120

# Of a spot machine's last two minutes, the ECS agent needs some before it stops the worker.
SPOT_SECONDS = 90

# Beyond a machine's boot time, jobs may wait this long without a worker before the notifier requests machines.
PATIENCE_SECONDS = 60


def master(stack: Stack, config: Config, base: Foundation, broker: Broker) -> Any:
    """RabbitMQ, and the notifier that reports its queue to CloudWatch; only the notifier for a user's own broker."""
    definition = templating.document(
        "task-definitions/master.json",
        **_common(stack, base, broker),
        task_role=base.master_role,
        image=config.images.hfecs,
        broker_image=config.images.broker,
        amqp_port=config.ports.amqp,
        management_port=config.ports.management,
        management_url=broker.management_url,
        cluster=stack.cluster,
        demand_period=str(scaling.demand_period(config.scaling)),
        ecs_cluster=stack.ecs_cluster,
        worker_service=stack.full_name("worker"),
        group=stack.full_name("workers"),
        patience=str(config.scaling.boot_seconds + PATIENCE_SECONDS),
    )
    if config.broker.amqp_url:
        definition["containerDefinitions"] = [
            container for container in definition["containerDefinitions"] if container["name"] != "broker"
        ]
    return definition


def slots(config: Config, site: Site) -> int:
    """Parallel jobs of a worker: one per core of its machine unless configured otherwise."""
    return config.worker.threads or site.machine.cores


def worker(stack: Stack, config: Config, site: Site, base: Foundation, broker: Broker) -> Any:
    """The executor."""
    definition = templating.document(
        "task-definitions/worker.json",
        **_common(stack, base, broker),
        task_role=base.worker_role,
        image=config.images.worker,
        memory=config.worker.memory,
        threads=str(slots(config, site)),
        stop_timeout=config.worker.stop_timeout,
        finish_within=str(_finish_within(config)),
        group=stack.full_name("workers"),
    )
    if config.worker.stop_timeout > LONGEST_STOP_TIMEOUT:
        # The agent of the machine has the same limit for all of its containers: ECS_CONTAINER_STOP_TIMEOUT.
        del definition["containerDefinitions"][0]["stopTimeout"]
    if scaling.has_provider(config.scaling):
        # ECS protects the machines on which workers run; the workers protect only their own tasks.
        (container,) = definition["containerDefinitions"]
        container["environment"] = [pair for pair in container["environment"] if pair["name"] != "AUTO_SCALING_GROUP"]
    return mounts.mounted(_with_secrets(definition, base.access_keys), mounts.of(config))


def _finish_within(config: Config) -> int:
    """The seconds that a stopping worker has for its jobs; a spot machine ends two minutes after its warning."""
    finish = config.worker.stop_timeout - SPARE_SECONDS
    return min(finish, SPOT_SECONDS) if config.scaling.spot else finish


def runner(stack: Stack, config: Config, base: Foundation, broker: Broker) -> Any:
    """The engine with its Redis."""
    definition = templating.document(
        "task-definitions/runner.json",
        **_common(stack, base, broker),
        task_role=base.runner_role,
        image=config.images.hfecs,
        cluster=stack.cluster,
    )
    return _with_secrets(definition, base.access_keys)


def one_a_machine(definition: str) -> dict[str, Any]:
    """Service settings: workers on machines of their own."""
    return _of_workers(definition, [{"type": "distinctInstance"}])


def spread(definition: str) -> dict[str, Any]:
    """Service settings: workers on the machines of the group, several on one if they fit."""
    return _of_workers(definition, []) | {"placementStrategy": [{"type": "spread", "field": "instanceId"}]}


def on_provider(settings: dict[str, Any], provider: str) -> dict[str, Any]:
    """The same on the machines of a capacity provider: only workers run there, so no attribute is needed.

    With a constraint on an attribute ECS may not see that another machine would help. New workers replace old ones one
    by one: alongside them, they would need more machines.
    """
    constraints = [constraint for constraint in settings["placementConstraints"] if constraint["type"] != "memberOf"]
    return settings | {
        "placementConstraints": constraints,
        "deploymentConfiguration": {"minimumHealthyPercent": 0, "maximumPercent": 100},
        "capacityProviderStrategy": [{"capacityProvider": provider, "weight": 1}],
    }


def _of_workers(definition: str, constraints: list[dict[str, str]]) -> dict[str, Any]:
    return {
        "taskDefinition": definition,
        "placementConstraints": [{"type": "memberOf", "expression": on("worker")}, *constraints],
        "deploymentConfiguration": {"minimumHealthyPercent": 0, "maximumPercent": 200},
    }


def _with_secrets(definition: Any, secrets: list[dict[str, str]]) -> Any:
    """The task definition with more secrets for its one container."""
    (container,) = definition["containerDefinitions"]
    container["secrets"] = [*container["secrets"], *secrets]
    return definition


def _common(stack: Stack, base: Foundation, broker: Broker) -> dict[str, Any]:
    return {
        "execution_role": base.execution_role,
        "log_group": base.log_group,
        "region": stack.cloud.region,
        **broker.values(),
    }
