"""Scale-in protection of tasks: who may have it, and until when."""

from __future__ import annotations

from datetime import timedelta

from moto.ecs.exceptions import ECSException

from hfecs.local.data_plane.shared import SharedState, utc_now
from hfecs.local.data_plane.task import Task
from hfecs.local.data_plane.tasks import Tasks

DEFAULT_MINUTES = 120
MOST_MINUTES = 2880
MOST_TASKS = 10


class TaskProtection:
    """Protects tasks of services, on request of the API or of a machine's agent."""

    def __init__(self, cloud: SharedState, tasks: Tasks) -> None:
        self.cloud = cloud
        self.tasks = tasks

    def protect(self, names: list[str], enabled: bool, minutes: int) -> list[dict[str, str]]:
        """Start or end the protection of these tasks; returns the refusals."""
        found, failures = self.find(names)
        for task in found:
            if enabled and self._blocked(task):
                reason = "The protected tasks would exceed the desired count of the service."
                failures.append({"arn": task.task_arn, "reason": "DEPLOYMENT_BLOCKED", "detail": reason})
            else:
                task.protected_until = utc_now() + timedelta(minutes=minutes) if enabled else None
        return failures

    def find(self, names: list[str]) -> tuple[list[Task], list[dict[str, str]]]:
        """The tasks of services with these names, and the errors for the others."""
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
    """Whether it is protected now."""
    return task.protected_until is not None and task.protected_until > utc_now()
