"""The cluster: a master machine with the broker, and workers that scale with the work.

up() creates it in groups: the calls in a group are independent and run in parallel. It is idempotent: what is there
stays as it is, what differs is corrected. down() deletes it in the order of TEARDOWN.
"""

from __future__ import annotations

import re
from functools import partial
from typing import Any

from hfecs.aws import account
from hfecs.aws.errors import ignoring
from hfecs.blueprints import broker, capacity, containers, deadlines, foundation, images, metrics, scaling, workers
from hfecs.blueprints.machines import in_subnet, launch, one_on_each
from hfecs.config import Config
from hfecs.parallel import together
from hfecs.provisioning.preview import ask_first
from hfecs.provisioning.resource import Change
from hfecs.provisioning.stack import Stack
from hfecs.provisioning.teardown import Paragraphs, absent, remove
from hfecs.resources import (
    alarm,
    auto_scaling_group,
    capacity_provider,
    container_instance,
    ecs_cluster,
    ingress,
    instance,
    instance_profile,
    launch_template,
    log_group,
    parameter,
    role,
    scalable_target,
    scaling_policy,
    scheduled_action,
    security_group,
    service,
    service_linked_role,
    service_scaling_policy,
    task,
    task_definition,
)

STACK = "cluster"

TEARDOWN: Paragraphs = [
    [alarm],
    [service_scaling_policy, scaling_policy, scheduled_action],
    [scalable_target],
    [service],
    [task],
    [capacity_provider],
    [auto_scaling_group, instance],
    [container_instance, ingress],
    [ecs_cluster, launch_template, task_definition, parameter, instance_profile],
    [security_group, role, log_group],
]

NAMED = re.compile("hfecs-(.+)-cluster")
# Without permission to list the account's clusters, use those in the state.
NOT_LISTED = ("AccessDeniedException", "AccessDenied")

REPLACED = "replaces the broker's machine: queued jobs are lost and running ones are stopped"
RESTARTED = "restarts the broker: queued jobs are lost and running ones are stopped"


def up(stack: Stack, config: Config) -> None:
    """Create the cluster as configured, or change what differs."""
    config = images.require(stack, config)
    place = look(stack, config)
    ask_first(stack, partial(_make, config=config, place=place))
    _make(stack, config, place)


def _make(stack: Stack, config: Config, place: account.Site) -> None:
    sized = scaling.sized(config.scaling, containers.slots(config, place))
    stack = workers.switch_scaling_mode(stack, config)
    base = foundation.ensure(stack, config, place)

    master, group, collector = together(
        lambda: instance.ensure(stack, "master", launch=_master(stack, config, place, base), interrupts=REPLACED),
        lambda: workers.machines(stack, config, place, base),
        lambda: metrics.ensure(stack, config, base),
    )
    address = instance.private_address(stack, "master", master)
    used = broker.own(config, base.password) or broker.of_master(config, address, base.password)

    watching = metrics.watching(stack, config)
    of_master = metrics.with_metrics(containers.master(stack, config, base, used), "notifier", collector, **watching)
    of_worker = metrics.with_metrics(containers.worker(stack, config, place, base, used), "worker", collector)
    master_task, worker_task, *_ = together(
        lambda: task_definition.ensure(stack, "master", definition=of_master),
        lambda: task_definition.ensure(stack, "worker", definition=of_worker),
        lambda: deadlines.arm_machine(stack, config, "master", master),
        lambda: deadlines.arm_group(stack, config, group),
    )

    (workers_more, workers_fewer), (machines_more, machines_fewer), _ = together(
        lambda: workers.service_of(stack, sized, base, worker_task),
        lambda: workers.policies(stack, sized, group),
        lambda: _on_master(stack, config, base, master_task),
    )

    jobs_wait = scaling.alarm_more(sized, stack.cluster, [*machines_more, *workers_more])
    no_work = scaling.alarm_fewer(sized, stack.cluster, [*machines_fewer, *workers_fewer])
    together(
        lambda: alarm.ensure(stack, "jobs-wait", alarm=jobs_wait),
        lambda: alarm.ensure(stack, "no-work", alarm=no_work),
    )
    broker.drop_unused(stack, config)
    metrics.drop_left(stack)
    stack.output(image_id=place.image_id, instance_type=place.machine.name)


def others(stack: Stack) -> list[str]:
    """The names of the other clusters in the state, or in the same region."""
    known = set(stack.state.document.clusters())
    with ignoring(*NOT_LISTED):
        for page in stack.cloud.ecs.get_paginator("list_clusters").paginate():
            described = stack.cloud.ecs.describe_clusters(clusters=page["clusterArns"])["clusters"]
            names = [cluster["clusterName"] for cluster in described if cluster["status"] == "ACTIVE"]
            known |= {name[1] for name in map(NAMED.fullmatch, names) if name}
    return sorted(known - {stack.cluster})


def down(stack: Stack) -> None:
    """Delete the cluster and its logs, and what a monitoring that is gone has left to it."""
    remove(stack, TEARDOWN)
    metrics.drop_left(stack)


def down_with_monitoring(stack: Stack) -> None:
    """Delete the cluster, which has just been surveyed, while the monitoring goes as well."""
    remove(stack, TEARDOWN, looked=True)


def look(stack: Stack, config: Config) -> account.Site:
    """Survey the cluster and what the account offers, in one round of calls."""
    # Start with the roles, which take the most lookups.
    kinds = [service_linked_role, *(module for paragraph in reversed(TEARDOWN) for module in paragraph)]
    place: account.Site
    known = account.known(stack.outputs())
    _, place = together(lambda: stack.survey(kinds), lambda: account.look(stack.cloud, config, known))
    master = stack.seen(instance.KIND, "master")
    if master and master.ours and not known.instance_type:
        # The state file is lost: use the master's type and image for the other machines too.
        place = account.look(stack.cloud, config, account.of_machine(master.actual))
    if place.note:
        stack.reporter.note(place.note)
    with_metrics = bool(config.monitoring.influx_url) or metrics.standing(stack, config) is not None
    capacity.refuse_too_small(config, place.machine, with_metrics=with_metrics)
    if note := capacity.refuse_beyond_quota(config, place.machine, place.vcpu_quota):
        stack.reporter.note(note)
    return place


def _master(stack: Stack, config: Config, place: account.Site, base: foundation.Foundation) -> dict[str, Any]:
    """The broker's machine, outside the group: it stays when there are no workers."""
    groups = [base.broker_group]
    parameters = launch(config, place, role="master", cluster=base.cluster, profile=base.profile, groups=groups)
    return in_subnet(parameters, place)


def _on_master(stack: Stack, config: Config, base: foundation.Foundation, definition: str) -> None:
    """The broker and the notifier; with a user's own broker only the notifier, which may restart at any time."""
    ends = "" if config.broker.amqp_url else RESTARTED
    if config.cluster.master_count:
        settings = one_on_each("master", definition)
        service.ensure(stack, "master", cluster=base.cluster, settings=settings, interrupts=ends)
        return
    known = stack.seen(service.KIND, "master")
    ending = ends if known and known.actual.get("runningCount") else ""
    absent(stack, service, "master", [Change("master_count", 1, 0, lambda: None, ending)])
