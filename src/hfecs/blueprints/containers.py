"""The task definitions and service settings, filled in from templates/task-definitions/."""

from __future__ import annotations

from typing import Any

from hfecs import render
from hfecs.blueprints.foundation import Foundation
from hfecs.blueprints.machines import on
from hfecs.config import Config
from hfecs.site import Site
from hfecs.stack import Stack

BROKER_USER = "hyperflow"
# A worker hands back what it has not finished so many seconds before ECS kills it.
SPARE_SECONDS = 5


def master(stack: Stack, config: Config, base: Foundation, address: str) -> Any:
    """RabbitMQ, and the notifier that tells CloudWatch of its queue."""
    return render.document(
        "task-definitions/master.json",
        **_common(stack, base, address),
        task_role=base.master_role,
        image=config.images.hfecs,
        broker_image=config.images.broker,
        amqp_port=config.ports.amqp,
        management_port=config.ports.management,
        cluster=stack.cluster,
    )


def worker(stack: Stack, config: Config, site: Site, base: Foundation, address: str) -> Any:
    """The executor, with a thread for each core of its machine unless configured otherwise."""
    return render.document(
        "task-definitions/worker.json",
        **_common(stack, base, address),
        task_role=base.worker_role,
        image=config.images.worker,
        amqp_port=config.ports.amqp,
        memory=config.worker.memory,
        threads=str(config.worker.threads or site.machine.cores),
        stop_timeout=config.worker.stop_timeout,
        finish_within=str(config.worker.stop_timeout - SPARE_SECONDS),
    )


def runner(stack: Stack, config: Config, base: Foundation, address: str) -> Any:
    """The engine with its Redis."""
    return render.document(
        "task-definitions/runner.json",
        **_common(stack, base, address),
        task_role=base.runner_role,
        image=config.images.hfecs,
        amqp_port=config.ports.amqp,
    )


def one_on_master(definition: str) -> dict[str, Any]:
    """Service settings: one task, on the master machine; a new one only when the old one has freed the ports."""
    return {
        "taskDefinition": definition,
        "placementConstraints": [{"type": "memberOf", "expression": on("master")}],
        "deploymentConfiguration": {"minimumHealthyPercent": 0, "maximumPercent": 100},
    }


def one_a_machine(definition: str) -> dict[str, Any]:
    """Service settings: workers on machines of their own."""
    return {
        "taskDefinition": definition,
        "placementConstraints": [
            {"type": "memberOf", "expression": on("worker")},
            {"type": "distinctInstance"},
        ],
        "deploymentConfiguration": {"minimumHealthyPercent": 0, "maximumPercent": 200},
    }


def _common(stack: Stack, base: Foundation, address: str) -> dict[str, Any]:
    return {
        "execution_role": base.execution_role,
        "log_group": base.log_group,
        "region": stack.cloud.region,
        "user": BROKER_USER,
        "password": base.password,
        "address": address,
    }
