"""ECS services that really run tasks, and the protection of their tasks, which moto does not know."""

from __future__ import annotations

from typing import Any

from moto.ecs.exceptions import ECSException
from moto.ecs.responses import EC2ContainerServiceResponse

from hfecs.local.control_plane.moto_patches.patching import Call, shown, take_over
from hfecs.local.control_plane.moto_patches.tasks import active_definition
from hfecs.local.data_plane.capacity_providers import attached
from hfecs.local.data_plane.placement import fault_of
from hfecs.local.data_plane.placement_throttle import PlacementThrottle
from hfecs.local.data_plane.service import Service
from hfecs.local.data_plane.shared import ACCOUNT, SharedState
from hfecs.local.data_plane.task import Task
from hfecs.local.data_plane.task_protection import DEFAULT_MINUTES, MOST_MINUTES, TaskProtection, is_protected
from hfecs.local.reconciler import Reconciler

MOST_DESCRIBED = 10
DEFAULT_DEPLOYMENT = {"maximumPercent": 200, "minimumHealthyPercent": 100}
DEFAULT_OF_DAEMON = {"maximumPercent": 100, "minimumHealthyPercent": 0}
DAEMONS = "The daemon scheduling strategy does not support"
CHANGEABLE = {
    "desiredCount": "desired_count",
    "placementConstraints": "placement_constraints",
    "placementStrategy": "placement_strategy",
    "propagateTags": "propagate_tags",
    "availabilityZoneRebalancing": "availability_zone_rebalancing",
}


def apply(reconciler: Reconciler) -> None:
    """Patch services and the protection of their tasks."""
    _patch_services(reconciler)
    _patch_protection(reconciler)


def _patch_services(reconciler: Reconciler) -> None:
    """Patch services."""
    take_over(EC2ContainerServiceResponse, ServiceAnswers(reconciler.cloud))


class ServiceAnswers:
    """ECS's answers about services."""

    def __init__(self, cloud: SharedState) -> None:
        self.cloud = cloud

    def create_service(self, call: Call) -> dict[str, Any]:
        """Create a service; its tasks follow."""
        cluster, name = self._cluster(call), call.get("serviceName")
        services = self.cloud.backend("ecs", call.region).services
        known = services.get(f"{cluster.name}:{name}")
        if known is not None and known.status == "ACTIVE":
            raise ECSException("InvalidParameterException", "Creation of service was not idempotent.")
        if known is not None and known.status == "DRAINING":
            raise ECSException("InvalidParameterException", "Unable to Start a service that is still Draining.")
        if wrong := fault_of(call.get("placementConstraints", [])):
            raise ECSException("InvalidParameterException", wrong)
        self._check_strategy(call, cluster)
        if call.get("schedulingStrategy") == "DAEMON":
            _check_daemon(call)
        definition = active_definition(self.cloud, call.region, call.get("taskDefinition"))
        service = _new_service(call, cluster, definition.arn)
        service.deploy(definition.arn)
        services[f"{cluster.name}:{name}"] = service
        return {"service": service}

    def update_service(self, call: Call) -> dict[str, Any]:
        """Change a service and end its throttling; another task definition or forceNewDeployment replaces its tasks."""
        service = self._service(call)
        if service.status != "ACTIVE":
            raise ECSException("ServiceNotActiveException", "Service was not ACTIVE.")
        if wrong := fault_of(call.get("placementConstraints", [])):
            raise ECSException("InvalidParameterException", wrong)
        if service.is_daemon:
            _check_daemon(call)
        for parameter, attribute in CHANGEABLE.items():
            if call.get(parameter) is not None:
                setattr(service, attribute, call.get(parameter))
        service.deployment_configuration |= call.get("deploymentConfiguration", {})
        if call.get("taskDefinition"):
            definition = active_definition(self.cloud, call.region, call.get("taskDefinition"))
            if definition.arn != service.task_definition:
                service.deploy(definition.arn)
        if call.get("forceNewDeployment"):
            service.deploy(service.task_definition)
        service.steady, service.throttle = False, PlacementThrottle()
        return {"service": service}

    def delete_service(self, call: Call) -> dict[str, Any]:
        """Drain a service; it is INACTIVE once its tasks have ended."""
        service = self._service(call)
        counted = not service.is_daemon and service.desired_count > 0
        if counted and not call.get("force", default=False):
            raise ECSException("InvalidParameterException", "The service cannot be stopped while it is scaled above 0.")
        if service.status == "ACTIVE":
            service.status, service.desired_count = "DRAINING", 0
        return {"service": service}

    def describe_services(self, call: Call) -> dict[str, Any]:
        """The current services."""
        cluster, names = self._cluster(call), call.get("services", [])
        if len(names) > MOST_DESCRIBED:
            raise ECSException("InvalidParameterException", "Services cannot have more than 10 elements.")
        services = self.cloud.backend("ecs", call.region).services
        found = {name: services.get(f"{cluster.name}:{name.rpartition('/')[2]}") for name in names}
        prefix = f"arn:aws:ecs:{call.region}:{ACCOUNT}:service/{cluster.name}"
        missing = [f"{prefix}/{name.rpartition('/')[2]}" for name, service in found.items() if service is None]
        return {
            "services": shown(call, (service for service in found.values() if service is not None)),
            "failures": [{"arn": arn, "reason": "MISSING"} for arn in missing],
        }

    def list_services(self, call: Call) -> dict[str, Any]:
        """The ARNs of the active services."""
        cluster = self._cluster(call)
        services = self.cloud.backend("ecs", call.region).services.values()
        return {"serviceArns": [s.arn for s in services if s.cluster == cluster.name and s.status == "ACTIVE"]}

    def _check_strategy(self, call: Call, cluster: Any) -> None:
        strategy = call.get("capacityProviderStrategy", [])
        if strategy and call.get("launchType"):
            text = "Specifying both a launch type and capacity provider strategy is not supported."
            raise ECSException("InvalidParameterException", text)
        known = {provider.name for provider in attached(self.cloud.backend("ecs", call.region), cluster)}
        if any(item["capacityProvider"] not in known for item in strategy):
            raise ECSException("InvalidParameterException", "The specified capacity provider was not found.")

    def _cluster(self, call: Call) -> Any:
        return self.cloud.backend("ecs", call.region)._get_cluster(call.get("cluster", "default"))

    def _service(self, call: Call) -> Service:
        cluster, name = self._cluster(call), str(call.get("service")).rpartition("/")[2]
        services = self.cloud.backend("ecs", call.region).services
        service: Service | None = services.get(f"{cluster.name}:{name}")
        if service is None:
            raise ECSException("ServiceNotFoundException", "Service not found.")
        return service


def _new_service(call: Call, cluster: Any, definition_arn: str) -> Service:
    name, strategy = call.get("serviceName"), call.get("capacityProviderStrategy", [])
    is_daemon = call.get("schedulingStrategy") == "DAEMON"
    percentages = DEFAULT_OF_DAEMON if is_daemon else DEFAULT_DEPLOYMENT
    return Service(
        arn=f"arn:aws:ecs:{call.region}:{ACCOUNT}:service/{cluster.name}/{name}",
        service_name=name,
        region=call.region,
        cluster=cluster.name,
        cluster_arn=cluster.arn,
        task_definition=definition_arn,
        desired_count=int(call.get("desiredCount", 0)),
        scheduling_strategy=call.get("schedulingStrategy", "REPLICA"),
        launch_type=None if strategy else call.get("launchType", "EC2"),
        capacity_provider_strategy=strategy,
        placement_constraints=call.get("placementConstraints", []),
        placement_strategy=call.get("placementStrategy", []),
        deployment_configuration={**percentages, **call.get("deploymentConfiguration", {})},
        tags=call.get("tags", []),
        propagate_tags=call.get("propagateTags", "NONE"),
        availability_zone_rebalancing=call.get("availabilityZoneRebalancing", "DISABLED" if is_daemon else "ENABLED"),
    )


def _check_daemon(call: Call) -> None:
    """Refuse what a daemon cannot have, in ECS's words."""
    percent = call.get("deploymentConfiguration", {}).get("maximumPercent", 100)
    for wrong, text in (
        (
            call.get("capacityProviderStrategy"),
            "Specifying a capacity provider strategy is not supported when you create a service using the DAEMON "
            "scheduling strategy.",
        ),
        (
            call.get("desiredCount") is not None,
            f"{DAEMONS} a desired count for services. Remove the desired count value and try again",
        ),
        (
            call.get("placementStrategy"),
            f"{DAEMONS} placement strategies. Remove the placement strategy and try again",
        ),
        (
            percent > DEFAULT_OF_DAEMON["maximumPercent"],
            f"{DAEMONS} values above 100 for maximumPercent on a deployment configuration. Change the maximumPercent "
            "value to 100, and try again",
        ),
    ):
        if wrong:
            raise ECSException("InvalidParameterException", text)


def _patch_protection(reconciler: Reconciler) -> None:
    """Patch task protection."""
    take_over(EC2ContainerServiceResponse, ProtectionAnswers(TaskProtection(reconciler.cloud, reconciler.tasks)))


class ProtectionAnswers:
    """ECS's answers about scale-in protection of tasks."""

    def __init__(self, task_protection: TaskProtection) -> None:
        self._task_protection = task_protection

    def update_task_protection(self, call: Call) -> dict[str, Any]:
        """Protect tasks of services, or end their protection."""
        minutes = int(call.get("expiresInMinutes", DEFAULT_MINUTES))
        if not 1 <= minutes <= MOST_MINUTES:
            raise ECSException("InvalidParameterException", f"expiresInMinutes must be between 1 and {MOST_MINUTES}.")
        names = call.get("tasks", [])
        failures = self._task_protection.protect(names, bool(call.get("protectionEnabled")), minutes)
        refused = {failure["arn"] for failure in failures}
        done = [task for task in self._task_protection.find(names)[0] if task.task_arn not in refused]
        return {"protectedTasks": [_protection_of(task) for task in done], "failures": failures}

    def get_task_protection(self, call: Call) -> dict[str, Any]:
        """Which tasks are protected, and until when."""
        found, failures = self._task_protection.find(call.get("tasks", []))
        return {"protectedTasks": [_protection_of(task) for task in found], "failures": failures}


def _protection_of(task: Task) -> dict[str, Any]:
    until = task.protected_until if is_protected(task) else None
    shown: dict[str, Any] = {"taskArn": task.task_arn, "protectionEnabled": until is not None}
    return {**shown, "expirationDate": until} if until else shown
