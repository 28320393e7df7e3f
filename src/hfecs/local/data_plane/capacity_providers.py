"""Capacity providers in moto's state: the group and cluster of each, and which machines belong to it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def attached(backend: Any, cluster: Any) -> Iterator[Any]:
    """The providers of a cluster."""
    for name in cluster.capacity_providers or ():
        provider = backend.capacity_providers.get(name)
        if provider is not None and provider.status == "ACTIVE":
            yield provider


def group_arn(provider: Any) -> str:
    """The ARN of the group whose machines it provides."""
    return str(provider.auto_scaling_group_provider["autoScalingGroupArn"])


def provider_of(backend: Any, cluster: Any, instance: Any) -> str:
    """The provider of a machine that joins the cluster now: that of its group, or none."""
    group = getattr(instance, "autoscaling_group", None)
    arn = group.arn if group is not None else None
    return next((provider.name for provider in attached(backend, cluster) if group_arn(provider) == arn), "")


def strategy_of(service: Any) -> str:
    """The provider whose machines a service uses; empty for all machines of the cluster."""
    return next((str(item["capacityProvider"]) for item in service.capacity_provider_strategy), "")
