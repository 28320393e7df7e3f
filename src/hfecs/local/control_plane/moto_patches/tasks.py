"""ECS tasks, served from the data plane: RunTask, StartTask, StopTask, DescribeTasks, ListTasks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from moto.ecs.exceptions import ECSException
from moto.ecs.responses import EC2ContainerServiceResponse

from hfecs.local.control_plane.moto_patches.patching import Call, shown, take_over
from hfecs.local.data_plane.placement import Demand, Host, demand_of, fault_of, place, take
from hfecs.local.data_plane.shared import SharedState
from hfecs.local.data_plane.task import Task
from hfecs.local.data_plane.tasks import Order, Tasks
from hfecs.local.reconciler import Reconciler

NO_INSTANCES = "No Container Instances were found in your cluster."
MOST_DESCRIBED = 100


def apply(reconciler: Reconciler) -> None:
    """Patch tasks."""
    take_over(EC2ContainerServiceResponse, TaskAnswers(reconciler.cloud, reconciler.tasks))


class TaskAnswers:
    """ECS's answers about tasks."""

    def __init__(self, cloud: SharedState, tasks: Tasks) -> None:
        self.cloud = cloud
        self.tasks = tasks
        self.by_token: dict[str, dict[str, Any]] = {}

    def run_task(self, call: Call) -> dict[str, Any]:
        """Place and start tasks at once; those that cannot be placed are in `failures`."""
        token = call.get("clientToken", "")
        if token in self.by_token:
            return self.by_token[token]
        constraints = call.get("placementConstraints", [])
        if wrong := fault_of(constraints):
            raise ECSException("InvalidParameterException", wrong)
        order = self._order(call, constraints)
        hosts = self.tasks.hosts(call.region, order.cluster.name)
        if not hosts:
            raise ECSException("InvalidParameterException", NO_INSTANCES)
        answer: dict[str, Any] = {"tasks": [], "failures": []}
        for _ in range(int(call.get("count", 1))):
            found = place(order.demand, hosts, call.get("placementStrategy", []))
            if isinstance(found, Host):
                take(order.demand, found)
                answer["tasks"].append(self.tasks.start(order, found))
            else:
                answer["failures"] = [{"arn": refusal.arn, "reason": refusal.reason} for refusal in found]
        if token:
            self.by_token[token] = answer
        return answer

    def start_task(self, call: Call) -> dict[str, Any]:
        """Start a task on each of the named container instances."""
        order = self._order(call, [])
        hosts = {host.arn.rpartition("/")[2]: host for host in self.tasks.hosts(call.region, order.cluster.name)}
        answer: dict[str, Any] = {"tasks": [], "failures": []}
        for name in call.get("containerInstances", []):
            host = hosts.get(name.rpartition("/")[2])
            found = place(order.demand, [host]) if host else []
            if isinstance(found, Host):
                answer["tasks"].append(self.tasks.start(order, found))
            else:
                reason = found[0].reason if found else "MISSING"
                answer["failures"].append({"arn": name, "reason": reason})
        return answer

    def stop_task(self, call: Call) -> dict[str, Any]:
        """Start to stop a task."""
        task = self._find(call, call.get("task"))
        if task is None:
            raise ECSException("InvalidParameterException", "The referenced task was not found.")
        self.tasks.stop(task, "UserInitiated", call.get("reason", "Task stopped by user"))
        return {"task": task}

    def describe_tasks(self, call: Call) -> dict[str, Any]:
        """The current tasks."""
        names = call.get("tasks", [])
        if not names:
            raise ECSException("InvalidParameterException", "Tasks cannot be empty.")
        found = {name: self._find(call, name) for name in names[:MOST_DESCRIBED]}
        missing = [{"arn": name, "reason": "MISSING"} for name, task in found.items() if task is None]
        return {"tasks": shown(call, (task for task in found.values() if task)), "failures": missing}

    def list_tasks(self, call: Call) -> dict[str, Any]:
        """The ARNs of tasks: those that should run, unless desiredStatus says STOPPED."""
        cluster = self._cluster(call)
        wanted = {
            "desired_status": call.get("desiredStatus", "RUNNING"),
            "service": str(call.get("serviceName", "")).rpartition("/")[2],
            "started_by": call.get("startedBy", ""),
        }
        tasks = [t for t in self.tasks.by_id.values() if t.region == call.region and t.cluster == cluster.name]
        for name, value in wanted.items():
            tasks = [task for task in tasks if not value or getattr(task, name) == value]
        if family := call.get("family"):
            tasks = [task for task in tasks if f":task-definition/{family}:" in task.task_definition_arn]
        if instance := call.get("containerInstance"):
            tail = "/" + instance.rpartition("/")[2]
            tasks = [task for task in tasks if task.container_instance_arn.endswith(tail)]
        return {"taskArns": [task.task_arn for task in tasks]}

    def _cluster(self, call: Call) -> Any:
        return self.cloud.backend("ecs", call.region)._get_cluster(call.get("cluster", "default"))

    def _find(self, call: Call, name: str) -> Task | None:
        cluster = self._cluster(call)
        task = self.tasks.by_id.get(name.rpartition("/")[2])
        return task if task and task.region == call.region and task.cluster == cluster.name else None

    def _order(self, call: Call, constraints: list[dict[str, str]]) -> Order:
        cluster = self._cluster(call)
        if cluster.status != "ACTIVE":
            raise ECSException("ClusterNotFoundException", "Cluster not found.")
        definition = active_definition(self.cloud, call.region, call.get("taskDefinition"))
        group = call.get("group", f"family:{definition.family}")
        copied = definition.tags if call.get("propagateTags") == "TASK_DEFINITION" else []
        return Order(
            region=call.region,
            cluster=cluster,
            definition=definition,
            demand=_with_overrides(demand_of(definition, group, constraints), call.get("overrides", {})),
            started_by=call.get("startedBy", ""),
            overrides=call.get("overrides", {}),
            tags=[*copied, *call.get("tags", [])],
        )


def active_definition(cloud: SharedState, region: str, name: str) -> Any:
    """The task definition of that family, revision or ARN; ECS's error if it is not active."""
    definition = cloud.backend("ecs", region).describe_task_definition(name)
    if definition.status != "ACTIVE":
        raise ECSException("ClientException", "TaskDefinition is inactive")
    return definition


def _with_overrides(demand: Demand, overrides: dict[str, Any]) -> Demand:
    cpu, memory = overrides.get("cpu"), overrides.get("memory")
    return replace(demand, cpu=int(cpu or demand.cpu), memory=int(memory or demand.memory))
