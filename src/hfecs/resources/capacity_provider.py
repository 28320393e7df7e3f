"""ECS capacity providers: the number of a group's machines follows the tasks of the services that use it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from hfecs.aws.errors import ignoring
from hfecs.aws.tags import lower_pairs, tags_of
from hfecs.errors import AwsFailed
from hfecs.provisioning.diff import details
from hfecs.provisioning.resource import Change, Existing, at_once
from hfecs.provisioning.stack import Stack
from hfecs.provisioning.state import Record

KIND = "capacity-provider"

GROUP = "workers"
ROLE_NOT_READY = ("InvalidParameterException: Unable to assume the service linked role",)
BUSY = ("ResourceInUseException", "UpdateInProgressException")
NO_CLUSTER = ("ClusterNotFoundException",)
GONE = tuple(f"{code}: does not exist" for code in ("ClientException", "InvalidParameterException"))
# ECS takes seconds or minutes to change providers and what it created for them.
PATIENCE = 600.0
CHANGING, FAILED = "UPDATE_IN_PROGRESS", "UPDATE_FAILED"


def ensure(
    stack: Stack, name: str, *, cluster: str, attached: Collection[str], group: str, scaling: Mapping[str, Any]
) -> str:
    """Create or update the provider for this group (an ARN) and attach it to the cluster; return its name.

    `name` is GROUP: a cluster has one provider, and `survey` looks for no other. `attached` are the cluster's
    providers; `scaling` is ECS's managedScaling.
    """
    wanted = {"managedScaling": scaling, "managedTerminationProtection": "ENABLED", "managedDraining": "DISABLED"}
    full_name = stack.full_name(name)

    def create() -> str:
        stack.wait.out(
            ROLE_NOT_READY,
            lambda: stack.cloud.ecs.create_capacity_provider(
                name=full_name,
                autoScalingGroupProvider={"autoScalingGroupArn": group, **wanted},  # type: ignore[typeddict-item]
                tags=lower_pairs(stack.tags(name)),
            ),
            what="the service-linked role of ECS",
        )
        _attach(stack, cluster, full_name)
        return full_name

    def anew() -> str:
        _wait_until_gone(stack, full_name)
        return create()

    def changes(found: Existing) -> Iterator[Change]:
        if found.actual.get("updateStatus") == "DELETE_IN_PROGRESS":
            yield Change("updateStatus", "DELETE_IN_PROGRESS", "in service", anew)
            return
        yield from _changes(stack, found, wanted)
        if full_name not in attached:
            yield Change("cluster", None, cluster, lambda: _attach(stack, cluster, full_name))

    return stack.ensure(
        KIND, name, survey=survey, create=create, changes=changes, exists_codes=["ClientException: already exists"]
    )


def teardown(stack: Stack, record: Record) -> None:
    """Detach the provider from its cluster, where no service uses it any more, and delete it; wait until it is gone."""
    with ignoring(*NO_CLUSTER):
        _detach(stack, stack.ecs_cluster, record.id)
    if _described(stack, record.id):
        _delete(stack, record.id)
        _wait_until_gone(stack, record.id)


def survey(stack: Stack) -> Iterator[Existing]:
    """Look for the provider of this cluster's workers; an INACTIVE one no longer exists."""
    for provider in _described(stack, stack.full_name(GROUP)):
        yield Existing(GROUP, provider["name"], provider, ours=stack.owns(tags_of(provider.get("tags"))))


def _described(stack: Stack, full_name: str) -> list[Any]:
    answer = stack.cloud.ecs.describe_capacity_providers(capacityProviders=[full_name], include=["TAGS"])
    return [provider for provider in answer["capacityProviders"] if provider["status"] != "INACTIVE"]


def _changes(stack: Stack, found: Existing, wanted: Mapping[str, Any]) -> Iterator[Change]:
    settings: Any = wanted
    yield from at_once(
        details(wanted, found.actual.get("autoScalingGroupProvider", {})),
        lambda: stack.cloud.ecs.update_capacity_provider(name=found.id, autoScalingGroupProvider=settings) and None,
    )


def _attach(stack: Stack, cluster: str, name: str) -> None:
    """Attach the provider to the cluster, and keep those of others."""
    known = _settled(stack, cluster)
    others = [other for other in known.get("capacityProviders", []) if other != name]
    _put_providers(stack, known, [*others, name])


def _detach(stack: Stack, cluster: str, name: str) -> None:
    """Detach the provider from the cluster, and keep those of others."""
    known = _settled(stack, cluster)
    _put_providers(stack, known, [other for other in known.get("capacityProviders", []) if other != name])


def _put_providers(stack: Stack, known: Any, names: list[str]) -> None:
    """Set the cluster's providers, and wait until ECS has done it; nothing to do if they are set already."""
    cluster, by_default = known["clusterName"], known.get("defaultCapacityProviderStrategy", [])
    if _has(known, names) and known.get("attachmentsStatus") != FAILED:
        return
    answer: Any = stack.wait.out(
        BUSY,
        lambda: stack.cloud.ecs.put_cluster_capacity_providers(
            cluster=cluster,
            capacityProviders=names,
            defaultCapacityProviderStrategy=[item for item in by_default if item["capacityProvider"] in names],
        )["cluster"],
        what=f"cluster {cluster} to allow changing its capacity providers",
        timeout=PATIENCE,
    )
    if answer.get("attachmentsStatus") == CHANGING:
        answer = _changed(stack, known, names)
    if answer.get("attachmentsStatus") == FAILED:
        raise AwsFailed(
            f"ECS could not change the capacity providers of cluster {cluster}.", hint="run the same command again"
        )


def _changed(stack: Stack, before: Any, names: list[str]) -> Any:
    """The cluster after the change to these providers; ECS may return the old state for a while."""
    cluster, stale = before["clusterName"], [before.get("attachmentsStatus")]

    def look() -> Any:
        known = _told(stack, cluster)
        status = known.get("attachmentsStatus")
        if status == CHANGING:
            stale.clear()
        if status in (CHANGING, FAILED):
            return known if status == FAILED and FAILED not in stale else None
        return known if _has(known, names) else None

    return stack.wait.until(look, what=f"the capacity providers of cluster {cluster}", timeout=PATIENCE)


def _settled(stack: Stack, cluster: str) -> Any:
    """The cluster, once its providers are no longer being changed."""

    def look() -> Any:
        known = _told(stack, cluster)
        return known if known.get("attachmentsStatus") != CHANGING else None

    return stack.wait.until(look, what=f"the capacity providers of cluster {cluster}", timeout=PATIENCE)


def _told(stack: Stack, cluster: str) -> Any:
    told: Any = stack.cloud.ecs.describe_clusters(clusters=[cluster], include=["ATTACHMENTS"])["clusters"]
    return {"clusterName": cluster, **(told[0] if told else {})}


def _has(known: Any, names: list[str]) -> bool:
    return set(known.get("capacityProviders", [])) == set(names)


def _delete(stack: Stack, full_name: str) -> None:
    def delete() -> None:
        with ignoring(*GONE):
            stack.cloud.ecs.delete_capacity_provider(capacityProvider=full_name)

    stack.wait.out(BUSY, delete, what=f"capacity provider {full_name} to be free", timeout=PATIENCE)


def _wait_until_gone(stack: Stack, full_name: str) -> None:
    """Wait; a deletion that failed, because the provider was still attached, is requested again."""

    def gone() -> bool:
        left = _described(stack, full_name)
        if any(provider.get("updateStatus") == "DELETE_FAILED" for provider in left):
            _delete(stack, full_name)
        return not left

    stack.wait.until(gone, what=f"capacity provider {full_name} to be deleted", timeout=PATIENCE, every=3)
