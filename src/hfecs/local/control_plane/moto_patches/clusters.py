"""ECS clusters with their capacity providers and container instances.

DeleteCluster refuses while the cluster is not empty, and CreateCluster returns one that is active. Capacity providers
are checked as on AWS. Container instances are listed by filters, and deregistering one ends what runs there.
"""

from __future__ import annotations

from typing import Any

from moto.ecs.exceptions import ECSException
from moto.ecs.models import EC2ContainerServiceBackend
from moto.ecs.responses import EC2ContainerServiceResponse

from hfecs.local.control_plane.moto_patches.patching import Call, replace, take_over
from hfecs.local.data_plane.capacity_providers import group_arn, strategy_of
from hfecs.local.data_plane.expressions import BadExpression, parse
from hfecs.local.data_plane.machines import Machines
from hfecs.local.data_plane.shared import SharedState
from hfecs.local.data_plane.tasks import Tasks
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
    """Patch clusters, their capacity providers and their container instances."""
    _patch_providers(reconciler)
    _patch_clusters(reconciler)
    _patch_container_instances(reconciler)


def _patch_clusters(reconciler: Reconciler) -> None:
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


def _patch_providers(reconciler: Reconciler) -> None:
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


def _patch_container_instances(reconciler: Reconciler) -> None:
    """Patch container instances."""
    for path in [p for p in EC2ContainerServiceResponse.RESPONSE_KEY_PATH_TO_TRANSFORMER if p.endswith(".attributes")]:
        del EC2ContainerServiceResponse.RESPONSE_KEY_PATH_TO_TRANSFORMER[path]
    take_over(
        EC2ContainerServiceResponse, ContainerInstanceAnswers(reconciler.cloud, reconciler.machines, reconciler.tasks)
    )


class ContainerInstanceAnswers:
    """ECS's answers about container instances."""

    def __init__(self, cloud: SharedState, machines: Machines, tasks: Tasks) -> None:
        self.cloud = cloud
        self.machines = machines
        self.tasks = tasks

    def list_container_instances(self, call: Call) -> dict[str, Any]:
        """The ARNs of the container instances that match the filter and the status."""
        try:
            test = parse(call.get("filter")) if call.get("filter") else None
        except BadExpression as error:
            raise ECSException("InvalidParameterException", f"Invalid filter: {error}.") from error
        status = call.get("status")
        found = [
            registered.container_instance_arn
            for registered in self._registered(call).values()
            if status in (None, registered.status) and (test is None or test(registered.attributes))
        ]
        return {"containerInstanceArns": sorted(found)}

    def describe_container_instances(self, call: Call) -> dict[str, Any]:
        """The current container instances."""
        names = call.get("containerInstances", [])
        if not names:
            raise ECSException("ClientException", "Container Instances cannot be empty.")
        registered = self._registered(call)
        found = {name: registered.get(name.rpartition("/")[2]) for name in names}
        return {
            "containerInstances": [_shown(instance) for instance in found.values() if instance],
            "failures": [{"arn": name, "reason": "MISSING"} for name, instance in found.items() if not instance],
        }

    def deregister_container_instance(self, call: Call) -> dict[str, Any]:
        """Deregister a container instance from the cluster; with force, its tasks are stopped."""
        name = str(call.get("containerInstance")).rpartition("/")[2]
        registered = self._registered(call).get(name)
        if registered is None:
            raise ECSException("InvalidParameterException", "Referenced container instance was not found.")
        machine = self.machines.by_id.get(registered.ec2_instance_id)
        running = [self.tasks.by_id[task_id] for task_id in machine.tasks] if machine else []
        if running and not call.get("force", default=False):
            raise ECSException("InvalidParameterException", "Found running tasks on the instance.")
        for task in running:
            self.tasks.stop(task, "TerminationNotice", "The container instance was deregistered.")
        del self._registered(call)[name]
        registered.status = "INACTIVE"
        return {"containerInstance": _shown(registered)}

    def update_container_instances_state(self, call: Call) -> dict[str, Any]:
        """Drain container instances, or make them active again."""
        status = call.get("status")
        if status not in ("ACTIVE", "DRAINING"):
            raise ECSException(
                "InvalidParameterException", "Container instance status should be one of [ACTIVE,DRAINING]"
            )
        registered = self._registered(call)
        for name in call.get("containerInstances", []):
            if instance := registered.get(name.rpartition("/")[2]):
                instance.status = status
        return self.describe_container_instances(call)

    def _registered(self, call: Call) -> dict[str, Any]:
        backend = self.cloud.backend("ecs", call.region)
        cluster = backend._get_cluster(call.get("cluster", "default"))
        instances: dict[str, Any] = backend.container_instances.setdefault(cluster.name, {})
        return instances


def _shown(registered: Any) -> dict[str, Any]:
    """In ECS's form, where attributes are a list."""
    provider = getattr(registered, "capacity_provider_name", "")
    return {
        **({"capacityProviderName": provider} if provider else {}),
        "containerInstanceArn": registered.container_instance_arn,
        "ec2InstanceId": registered.ec2_instance_id,
        "status": registered.status,
        "agentConnected": registered.agent_connected,
        "runningTasksCount": registered.running_tasks_count,
        "pendingTasksCount": registered.pending_tasks_count,
        "registeredResources": registered.registered_resources,
        "remainingResources": registered.remaining_resources,
        "registeredAt": registered.registered_at,
        "versionInfo": registered.version_info,
        "attributes": [
            {"name": name, **({} if value is None else {"value": value})}
            for name, value in registered.attributes.items()
        ],
    }
