"""Task protection: UpdateTaskProtection and GetTaskProtection, which moto does not know."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from moto.ecs.exceptions import ECSException
from moto.ecs.responses import EC2ContainerServiceResponse

from hfecs.local.cloud import Cloud, utc_now
from hfecs.local.mends.answers import Call, take_over
from hfecs.local.plane import Plane
from hfecs.local.task import Task
from hfecs.local.tasks import Tasks

DEFAULT_MINUTES = 120
MOST_MINUTES = 2880
MOST_TASKS = 10


def apply(plane: Plane) -> None:
    """Mend task protection."""
    take_over(EC2ContainerServiceResponse, ProtectionAnswers(plane.cloud, plane.tasks))


class ProtectionAnswers:
    """What ECS answers about the protection of tasks from scale-in."""

    def __init__(self, cloud: Cloud, tasks: Tasks) -> None:
        self.cloud = cloud
        self.tasks = tasks

    def update_task_protection(self, call: Call) -> dict[str, Any]:
        """Protect tasks of services, or end their protection."""
        minutes = int(call.get("expiresInMinutes", DEFAULT_MINUTES))
        if not 1 <= minutes <= MOST_MINUTES:
            raise ECSException("InvalidParameterException", f"expiresInMinutes must be between 1 and {MOST_MINUTES}.")
        found, failures = self._find(call)
        enabled = bool(call.get("protectionEnabled"))
        for task in list(found):
            if enabled and self._blocked(task):
                found.remove(task)
                reason = "The protected tasks would exceed the desired count of the service."
                failures.append({"arn": task.task_arn, "reason": "DEPLOYMENT_BLOCKED", "detail": reason})
            else:
                task.protected_until = utc_now() + timedelta(minutes=minutes) if enabled else None
        return {"protectedTasks": [_shown(task) for task in found], "failures": failures}

    def get_task_protection(self, call: Call) -> dict[str, Any]:
        """Which tasks are protected, and until when."""
        found, failures = self._find(call)
        return {"protectedTasks": [_shown(task) for task in found], "failures": failures}

    def _find(self, call: Call) -> tuple[list[Task], list[dict[str, str]]]:
        names = call.get("tasks", [])
        if len(names) > MOST_TASKS:
            raise ECSException("InvalidParameterException", f"Tasks cannot have more than {MOST_TASKS} elements.")
        tasks = {name: self.tasks.by_id.get(name.rpartition("/")[2]) for name in names}
        found = [task for task in tasks.values() if task and task.service]
        failures = [{"arn": name, "reason": "MISSING"} for name, task in tasks.items() if task is None]
        alone = [task for task in tasks.values() if task and not task.service]
        failures += [{"arn": task.task_arn, "reason": "TASK_NOT_VALID"} for task in alone]
        return found, failures

    def _blocked(self, task: Task) -> bool:
        service = self.cloud.backend("ecs", task.region).services[f"{task.cluster}:{task.service}"]
        others = [
            t for t in self.tasks.living(task.region, task.cluster) if t.service == task.service and t is not task
        ]
        protected = sum(is_protected(other) for other in others)
        return protected + 1 > int(service.desired_count)


def is_protected(task: Task) -> bool:
    """Whether its protection holds now."""
    return task.protected_until is not None and task.protected_until > utc_now()


def _shown(task: Task) -> dict[str, Any]:
    until = task.protected_until if is_protected(task) else None
    shown: dict[str, Any] = {"taskArn": task.task_arn, "protectionEnabled": until is not None}
    return {**shown, "expirationDate": until} if until else shown
