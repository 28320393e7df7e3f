"""The ECS cluster: where machines register and tasks are placed."""

from __future__ import annotations

from collections.abc import Iterator

from hfecs.aws.errors import ignoring
from hfecs.aws.tags import lower_pairs, tags_of
from hfecs.provisioning.resource import Change, Existing
from hfecs.provisioning.stack import Stack
from hfecs.provisioning.state import Record

KIND = "ecs-cluster"

ROLE_NOT_READY = ("InvalidParameterException: Unable to assume the service linked role",)
NOT_EMPTY = (
    "ClusterContainsServicesException",
    "ClusterContainsTasksException",
    "ClusterContainsContainerInstancesException",
    "ClusterContainsCapacityProviderException",
    "UpdateInProgressException",
)


def ensure(stack: Stack, name: str, *, insights: bool) -> str:
    """Create the cluster, with container insights on or off; return its name."""
    setting = "enabled" if insights else "disabled"
    return stack.ensure(
        KIND,
        name,
        survey=survey,
        create=lambda: _create(stack, name, setting),
        changes=lambda found: _changes(stack, found, setting),
    )


def teardown(stack: Stack, record: Record) -> None:
    """Delete the cluster, once the last machine has left it."""

    def delete() -> None:
        with ignoring("ClusterNotFoundException"):
            stack.cloud.ecs.delete_cluster(cluster=record.id)

    stack.wait.out(NOT_EMPTY, delete, what=f"cluster {record.id} to be empty", timeout=600, every=3)


def survey(stack: Stack) -> Iterator[Existing]:
    """Look for this cluster; an INACTIVE one no longer exists."""
    names = [stack.full_name(name) for name in ("cluster", "monitoring")]
    answer = stack.cloud.ecs.describe_clusters(clusters=names, include=["TAGS", "SETTINGS"])
    for cluster in answer["clusters"]:
        if cluster["status"] != "INACTIVE":
            full_name = cluster["clusterName"]
            name = full_name.removeprefix(stack.full_name(""))
            yield Existing(name, full_name, cluster, ours=stack.owns(tags_of(cluster.get("tags"))))


def _create(stack: Stack, name: str, insights: str) -> str:
    answer = stack.wait.out(
        ROLE_NOT_READY,
        lambda: stack.cloud.ecs.create_cluster(
            clusterName=stack.full_name(name),
            settings=[{"name": "containerInsights", "value": insights}],
            tags=lower_pairs(stack.tags(name)),
        ),
        what="the service-linked role of ECS",
    )
    return answer["cluster"]["clusterName"]


def _changes(stack: Stack, found: Existing, insights: str) -> Iterator[Change]:
    settings = {setting["name"]: setting["value"] for setting in found.actual.get("settings", [])}
    actual = settings.get("containerInsights", "disabled")
    if actual != insights:
        wanted = [{"name": "containerInsights", "value": insights}]
        yield Change(
            "insights",
            actual,
            insights,
            lambda: stack.cloud.ecs.update_cluster(cluster=found.id, settings=wanted),  # type: ignore[arg-type]
        )
