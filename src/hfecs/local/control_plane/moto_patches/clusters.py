"""ECS clusters: DeleteCluster refuses a non-empty one; CreateCluster of an active one returns it."""

from __future__ import annotations

from typing import Any

from moto.ecs.exceptions import ECSException
from moto.ecs.models import EC2ContainerServiceBackend

from hfecs.local.control_plane.moto_patches.patching import replace
from hfecs.local.reconciler import Reconciler


def apply(reconciler: Reconciler) -> None:
    """Patch clusters."""

    def create_cluster(backend: Any, cluster_name: str, *arguments: Any, **options: Any) -> Any:
        known = backend.clusters.get(cluster_name)
        if known is not None and known.status == "ACTIVE":
            return known
        return create(backend, cluster_name, *arguments, **options)

    def delete_cluster(backend: Any, cluster_str: str) -> Any:
        cluster = backend._get_cluster(cluster_str)
        services = [s for s in backend.services.values() if s.cluster == cluster.name and s.status != "INACTIVE"]
        if services:
            raise ECSException(
                "ClusterContainsServicesException", "The Cluster cannot be deleted while Services are active."
            )
        if backend.container_instances.get(cluster.name):
            raise ECSException(
                "ClusterContainsContainerInstancesException",
                "The Cluster cannot be deleted while Container Instances are active or draining.",
            )
        if any(reconciler.tasks.living(backend.region_name, cluster.name)):
            raise ECSException("ClusterContainsTasksException", "The Cluster cannot be deleted while Tasks are active.")
        if cluster.capacity_providers:
            text = "The Cluster cannot be deleted while Capacity Providers are associated."
            raise ECSException("ClusterContainsCapacityProviderException", text)
        return delete(backend, cluster_str)

    create = replace(EC2ContainerServiceBackend, "create_cluster", create_cluster)
    delete = replace(EC2ContainerServiceBackend, "delete_cluster", delete_cluster)
