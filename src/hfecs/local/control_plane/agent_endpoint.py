"""The endpoint of a machine's ECS agent for containers: metadata, and the protection of their task.

On AWS it listens on an address that only the task's containers reach, given in ECS_AGENT_URI and
ECS_CONTAINER_METADATA_URI_V4. Here it is a path of the daemon.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import UTC
from typing import Any

from hfecs.local.data_plane.shared import SharedState
from hfecs.local.data_plane.starter import AGENT_PATH
from hfecs.local.data_plane.task import Task
from hfecs.local.data_plane.task_protection import DEFAULT_MINUTES, MOST_MINUTES, TaskProtection, is_protected
from hfecs.local.data_plane.tasks import Tasks

FIELDS = {"ProtectionEnabled", "ExpiresInMinutes"}
Environ = dict[str, Any]
Application = Callable[[Environ, Any], Iterable[bytes]]
Answer = tuple[str, dict[str, Any]]


class AgentEndpoint:
    """Wraps the application that serves the AWS API, and handles requests to an agent."""

    def __init__(self, cloud: SharedState, tasks: Tasks, application: Application) -> None:
        self.cloud = cloud
        self.tasks = tasks
        self.application = application
        self.task_protection = TaskProtection(cloud, tasks)

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        """Answer one request."""
        path = str(environ.get("PATH_INFO", ""))
        if not path.startswith(AGENT_PATH):
            return self.application(environ, start_response)
        task_id, _, what = path.removeprefix(AGENT_PATH).partition("/")
        with self.cloud.lock:
            status, answer = self._answer(task_id, what, environ)
        self.cloud.wake()
        start_response(status, [("Content-Type", "application/json")])
        return [json.dumps(answer).encode()]

    def _answer(self, task_id: str, what: str, environ: Environ) -> Answer:
        task = self.tasks.by_id.get(task_id)
        if task is None:
            return "404 Not Found", {
                "error": {"Code": "ResourceNotFoundException", "Message": "There is no such task."}
            }
        if what == "v4/task":
            return "200 OK", {"Cluster": task.cluster, "TaskARN": task.task_arn}
        if what == "task-protection/v1/state":
            return self._protection(task, environ)
        return "404 Not Found", {"error": {"Code": "NotFound", "Message": f"The agent knows no {what}."}}

    def _protection(self, task: Task, environ: Environ) -> Answer:
        definition = self.cloud.backend("ecs", task.region).describe_task_definition(task.task_definition_arn)
        if not getattr(definition, "task_role_arn", ""):
            message = "A task role with ecs:GetTaskProtection and ecs:UpdateTaskProtection is needed."
            return "403 Forbidden", _error(task, "AccessDeniedException", message)
        if environ["REQUEST_METHOD"] == "GET":
            return _told(task, self.task_protection.find([task.task_arn])[1])
        wanted = json.loads(environ["wsgi.input"].read() or b"{}")
        minutes = wanted.get("ExpiresInMinutes", DEFAULT_MINUTES)
        if set(wanted) - FIELDS or "ProtectionEnabled" not in wanted or not 1 <= minutes <= MOST_MINUTES:
            return "400 Bad Request", _error(task, "InvalidParameterException", "The request cannot be read.")
        return _told(task, self.task_protection.protect([task.task_arn], bool(wanted["ProtectionEnabled"]), minutes))


def _told(task: Task, failures: list[dict[str, str]]) -> Answer:
    """The protection of a task, or the reason for refusing it."""
    if failures:
        return "200 OK", {"failure": {name.capitalize(): value for name, value in failures[0].items()}}
    told: dict[str, Any] = {"TaskArn": task.task_arn, "ProtectionEnabled": is_protected(task)}
    if task.protected_until:
        told["ExpirationDate"] = task.protected_until.replace(tzinfo=UTC).isoformat()
    return "200 OK", {"protection": told}


def _error(task: Task, code: str, message: str) -> dict[str, Any]:
    return {"error": {"Arn": task.task_arn, "Code": code, "Message": message}}
