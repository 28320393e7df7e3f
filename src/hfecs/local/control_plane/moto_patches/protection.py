"""Task protection: UpdateTaskProtection and GetTaskProtection, which moto lacks."""

from __future__ import annotations

from typing import Any

from moto.ecs.exceptions import ECSException
from moto.ecs.responses import EC2ContainerServiceResponse

from hfecs.local.control_plane.moto_patches.patching import Call, take_over
from hfecs.local.data_plane.task import Task
from hfecs.local.data_plane.task_protection import DEFAULT_MINUTES, MOST_MINUTES, TaskProtection, is_protected
from hfecs.local.reconciler import Reconciler


def apply(reconciler: Reconciler) -> None:
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
        return {"protectedTasks": [_shown(task) for task in done], "failures": failures}

    def get_task_protection(self, call: Call) -> dict[str, Any]:
        """Which tasks are protected, and until when."""
        found, failures = self._task_protection.find(call.get("tasks", []))
        return {"protectedTasks": [_shown(task) for task in found], "failures": failures}


def _shown(task: Task) -> dict[str, Any]:
    until = task.protected_until if is_protected(task) else None
    shown: dict[str, Any] = {"taskArn": task.task_arn, "protectionEnabled": until is not None}
    return {**shown, "expirationDate": until} if until else shown
