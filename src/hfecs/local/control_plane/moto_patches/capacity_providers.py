"""ECS capacity providers: AWS's checks when they are created, attached to a cluster, and deleted."""

from __future__ import annotations

from typing import Any

from moto.ecs.exceptions import ECSException
from moto.ecs.responses import EC2ContainerServiceResponse

from hfecs.local.control_plane.moto_patches.patching import Call, take_over
from hfecs.local.data_plane.capacity_providers import group_arn, strategy_of
from hfecs.local.data_plane.shared import SharedState
from hfecs.local.reconciler import Reconciler

UNKNOWN = "The specified capacity provider does not exist. Specify a valid name or ARN and try again."
EXISTS = (
    "The specified capacity provider already exists. To change the configuration of an existing capacity provider, "
    "update the capacity provider."
)
UNPROTECTED = (
    "The managed termination protection setting for the capacity provider is invalid. To enable managed termination "
    "protection for a capacity provider, the Auto Scaling group must have instance protection from scale in enabled."
)
IN_USE = "The specified capacity provider is in use and cannot be removed."


def apply(reconciler: Reconciler) -> None:
    """Patch capacity providers."""
    take_over(EC2ContainerServiceResponse, ProviderAnswers(reconciler.cloud))


class ProviderAnswers:
    """ECS's answers about capacity providers."""

    def __init__(self, cloud: SharedState) -> None:
        self.cloud = cloud

    def create_capacity_provider(self, call: Call) -> dict[str, Any]:
        """Create a provider for a group that has none; managed protection requires protection by the group."""
        backend, name = self.cloud.backend("ecs", call.region), call.get("name")
        if name in backend.capacity_providers:
            raise ECSException("ClientException", EXISTS)
        details = dict(call.get("autoScalingGroupProvider"))
        group = self._group(call.region, details["autoScalingGroupArn"])
        if any(group_arn(other) == group.arn for other in backend.capacity_providers.values()):
            raise ECSException("ClientException", "The specified Auto Scaling group is used by another provider.")
        protects = details.get("managedTerminationProtection") == "ENABLED"
        if protects and not group.new_instances_protected_from_scale_in:
            raise ECSException("ClientException", UNPROTECTED)
        details["autoScalingGroupArn"] = group.arn
        return {"capacityProvider": backend.create_capacity_provider(name, details, call.get("tags"))}

    def put_cluster_capacity_providers(self, call: Call) -> dict[str, Any]:
        """Set a cluster's providers; none that a service uses can be removed."""
        backend, wanted = self.cloud.backend("ecs", call.region), call.get("capacityProviders", [])
        cluster = backend._get_cluster(call.get("cluster"))
        if any(name not in backend.capacity_providers for name in wanted):
            raise ECSException("InvalidParameterException", UNKNOWN)
        living = [one for one in backend.services.values() if one.cluster == cluster.name and one.status != "INACTIVE"]
        used = {strategy_of(service) for service in living} - {""}
        if used - set(wanted):
            raise ECSException("ResourceInUseException", IN_USE)
        strategy = call.get("defaultCapacityProviderStrategy", [])
        return {"cluster": backend.put_cluster_capacity_providers(cluster.name, wanted, strategy)}

    def delete_capacity_provider(self, call: Call) -> dict[str, Any]:
        """Delete a provider; if attached to a cluster that fails, which its status shows."""
        backend = self.cloud.backend("ecs", call.region)
        provider = backend._get_provider(call.get("capacityProvider"))
        if provider is None:
            raise ECSException("ClientException", UNKNOWN)
        if any(provider.name in (one.capacity_providers or ()) for one in backend.clusters.values()):
            provider.update_status, provider.update_status_reason = "DELETE_FAILED", IN_USE
            return {"capacityProvider": provider}
        return {"capacityProvider": backend.delete_capacity_provider(provider.name)}

    def _group(self, region: str, name_or_arn: str) -> Any:
        for group in self.cloud.backend("autoscaling", region).autoscaling_groups.values():
            if name_or_arn in (group.name, group.arn):
                return group
        raise ECSException("ClientException", "The specified Auto Scaling group ARN is invalid. Specify a valid ARN.")
