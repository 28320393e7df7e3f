"""Container instances: lists with filters, deregistration that stops their tasks."""

from __future__ import annotations

from typing import Any

from moto.ecs.exceptions import ECSException
from moto.ecs.responses import EC2ContainerServiceResponse

from hfecs.local.control_plane.moto_patches.patching import Call, take_over
from hfecs.local.data_plane.expressions import BadExpression, parse
from hfecs.local.data_plane.machines import Machines
from hfecs.local.data_plane.shared import SharedState
from hfecs.local.data_plane.tasks import Tasks
from hfecs.local.reconciler import Reconciler


def apply(reconciler: Reconciler) -> None:
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
