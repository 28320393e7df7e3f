"""Container instances: machines registered with the cluster; left-over ones keep it from being deleted."""

from __future__ import annotations

from collections.abc import Iterator

from hfecs.aws.errors import ignoring
from hfecs.provisioning.resource import Existing
from hfecs.provisioning.stack import Stack
from hfecs.provisioning.state import Record

KIND = "container-instance"

GONE = ("ClusterNotFoundException", "InvalidParameterException: not found")


def teardown(stack: Stack, record: Record) -> None:
    """Deregister the machine from the cluster, whether it still responds or not."""
    with ignoring(*GONE):
        stack.cloud.ecs.deregister_container_instance(
            cluster=stack.ecs_cluster, containerInstance=record.id, force=True
        )


def survey(stack: Stack) -> Iterator[Existing]:
    """List the machines in the cluster."""
    with ignoring(*GONE):
        pages = stack.cloud.ecs.get_paginator("list_container_instances").paginate(cluster=stack.ecs_cluster)
        cluster = stack.ecs_cluster.removeprefix(stack.full_name(""))
        for page in pages:
            for arn in page["containerInstanceArns"]:
                yield Existing(arn.rpartition("/")[2], arn, within=("ecs-cluster", cluster))
