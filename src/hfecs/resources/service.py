"""ECS services: how many tasks of a definition run, and on which machines."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from hfecs.aws.errors import ignoring
from hfecs.aws.tags import lower_pairs, tags_of
from hfecs.parallel import together
from hfecs.provisioning.diff import differences
from hfecs.provisioning.resource import Change, Existing, at_once
from hfecs.provisioning.stack import Stack
from hfecs.provisioning.state import Record

KIND = "service"

DAEMON = "DAEMON"
COUNTED = "REPLICA"

NOT_READY = (
    "ClusterNotFoundException",
    "InvalidParameterException: Unable to assume the service linked role",
    "InvalidParameterException: verify that the ECS service role",
    "InvalidParameterException: still Draining",
    # ECS may not know a provider yet that was just created, or just attached to its cluster.
    "InvalidParameterException: capacity provider was not found",
    "InvalidParameterException: capacity provider that is not associated with the cluster",
)
# Another definition means new tasks; a lower count stops some.
RESTARTING = ("taskDefinition", "desiredCount")
# By default ECS starts and stops tasks to spread them evenly over zones, which idle workers that end make uneven again.
NO_REBALANCING = {"availabilityZoneRebalancing": "DISABLED"}
BUSY = ("InvalidParameterException: deployments are active",)


def ensure(
    stack: Stack,
    name: str,
    *,
    cluster: str,
    settings: Mapping[str, Any],
    desired: int | None = None,
    interrupts: str = "",
    recreating: str = "",
) -> str:
    """Create or update the service with these settings (taskDefinition, placementConstraints ...); return its name.

    Its tasks run on any machine of the cluster, or on those of its capacityProviderStrategy if set.

    `desired` is the initial number of tasks; later the autoscaler owns that number. A service that nobody scales has
    it in its settings, as desiredCount; a daemon, of which ECS runs one per machine, has none. `interrupts` says what
    ends when running tasks are replaced, `recreating` what ends only when the service is: a daemon does not become a
    counted service, nor the reverse. ECS protects a task with jobs while others replace it, but documents that only
    for counted services: for daemons we assume the worse.
    """
    if _strategy(settings) != DAEMON:
        settings = {**settings, **NO_REBALANCING}

    def create() -> str:
        return _create(stack, name, cluster, desired, settings)

    return stack.ensure(
        KIND,
        name,
        survey=survey,
        create=create,
        changes=lambda found: (
            _changes(stack, found, cluster, settings, interrupts)
            if _strategy(found.actual) == _strategy(settings)
            else _recreation(stack, found, create, settings, interrupts or recreating)
        ),
        exists_codes=["InvalidParameterException: not idempotent"],
    )


def teardown(stack: Stack, record: Record) -> None:
    """Delete the service, stop its tasks, and wait until it is inactive.

    ECS stops the tasks of a service that is deleted by force, but whether it waits for those that are protected from
    scale-in, up to an hour, is not documented: StopTask does not heed the protection.
    """
    cluster = stack.ecs_cluster
    tasks: list[str] = []

    def look() -> None:
        with ignoring("ServiceNotFoundException", "ServiceNotActiveException", "ClusterNotFoundException"):
            pages = stack.cloud.ecs.get_paginator("list_tasks").paginate(cluster=cluster, serviceName=record.id)
            tasks.extend(arn for page in pages for arn in page["taskArns"])

    def stop(task: str) -> None:
        with ignoring("ClusterNotFoundException", "InvalidParameterException: not found"):
            stack.cloud.ecs.stop_task(cluster=cluster, task=task, reason="hfecs removes the service")

    def gone() -> bool:
        with ignoring("ClusterNotFoundException"):
            services = stack.cloud.ecs.describe_services(cluster=cluster, services=[record.id])["services"]
            return all(service["status"] == "INACTIVE" for service in services)
        return True

    def delete() -> None:
        with ignoring("ServiceNotFoundException", "ServiceNotActiveException", "ClusterNotFoundException"):
            stack.cloud.ecs.delete_service(cluster=cluster, service=record.id, force=True)

    look()
    stack.wait.out(BUSY, delete, what=f"service {record.name} to be free", timeout=600)
    together(*[partial(stop, task) for task in tasks])
    stack.wait.until(gone, what=f"the tasks of service {record.name} to stop", timeout=1200, every=3)


def survey(stack: Stack) -> Iterator[Existing]:
    """List this cluster's services; a draining one counts as gone."""
    cluster, prefix = stack.ecs_cluster, stack.full_name("")
    with ignoring("ClusterNotFoundException"):
        pages = stack.cloud.ecs.get_paginator("list_services").paginate(
            cluster=cluster, PaginationConfig={"PageSize": 10}
        )
        for page in pages:
            if page["serviceArns"]:
                yield from _described(stack, cluster, prefix, page["serviceArns"])


def providers(found: Existing) -> list[str]:
    """The names of the capacity providers that the service uses; none if it was created with a launch type."""
    return [item["capacityProvider"] for item in found.actual.get("capacityProviderStrategy", [])]


def _described(stack: Stack, cluster: str, prefix: str, arns: list[str]) -> Iterator[Existing]:
    answer = stack.cloud.ecs.describe_services(cluster=cluster, services=arns, include=["TAGS"])
    for service in answer["services"]:
        if service["status"] == "ACTIVE":
            full_name = service["serviceName"]
            ours = stack.owns(tags_of(service.get("tags")))
            yield Existing(full_name.removeprefix(prefix), full_name, service, ours)


def _create(stack: Stack, name: str, cluster: str, desired: int | None, settings: Mapping[str, Any]) -> str:
    count = {} if _strategy(settings) == DAEMON else {"desiredCount": desired}
    # ECS accepts only one of the two.
    where = {} if "capacityProviderStrategy" in settings else {"launchType": "EC2"}
    wanted: Any = where | count | dict(settings)
    answer = stack.wait.out(
        NOT_READY,
        lambda: stack.cloud.ecs.create_service(
            cluster=cluster,
            serviceName=stack.full_name(name),
            tags=lower_pairs(stack.tags(name)),
            **wanted,
        ),
        what=f"ECS to be ready for service {name}",
        timeout=1200,
    )
    return answer["service"]["serviceName"]


def _strategy(fields: Mapping[str, Any]) -> str:
    """How ECS schedules the service with these fields: DAEMON, or REPLICA by default."""
    return str(fields.get("schedulingStrategy", COUNTED))


def _recreation(
    stack: Stack, found: Existing, create: Callable[[], str], settings: Mapping[str, Any], interrupts: str
) -> Iterator[Change]:
    """The change of its scheduling strategy: ECS knows it only for a new service."""

    def recreate() -> str:
        teardown(stack, Record(KIND, found.name, found.id))
        return create()

    ending = interrupts if found.actual.get("runningCount") else ""
    strategies = _strategy(found.actual), _strategy(settings)
    yield Change("schedulingStrategy", *strategies, recreate, ending, replaces=True)


def _changes(
    stack: Stack, found: Existing, cluster: str, settings: Mapping[str, Any], interrupts: str
) -> Iterator[Change]:
    # moto does not return every field of a service that it created; AWS does.
    told = {field: value for field, value in settings.items() if field in found.actual}
    changed = differences(told, found.actual)
    new: Any = {field: wanted for field, (_, wanted) in changed.items()}
    ending = interrupts if found.actual.get("runningCount") and set(RESTARTING) & set(changed) else ""
    yield from at_once(
        changed,
        lambda: stack.cloud.ecs.update_service(cluster=cluster, service=found.id, **new) and None,
        interrupts=ending,
    )
