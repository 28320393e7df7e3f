"""The HTTP server of the daemon: moto's server with kept-alive connections, one action at a time.

It also answers containers as the ECS agent of a machine does: who they are, and the protection of their task.
"""

from __future__ import annotations

import functools
import io
import json
import logging
import socket
from collections.abc import Callable, Iterable
from datetime import UTC
from http import HTTPStatus
from typing import Any
from xml.sax.saxutils import escape

from flask import Flask, request
from moto.core import responses
from moto.core.responses import BaseResponse
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.exceptions import InternalServerError
from werkzeug.serving import BaseWSGIServer, make_server
from werkzeug.test import run_wsgi_app

from hfecs.local.data_plane.shared import SharedState
from hfecs.local.data_plane.starter import AGENT_PATH
from hfecs.local.data_plane.task import Task
from hfecs.local.data_plane.task_protection import DEFAULT_MINUTES, MOST_MINUTES, TaskProtection, is_protected
from hfecs.local.data_plane.tasks import Tasks

FIELDS = {"ProtectionEnabled", "ExpiresInMinutes"}
Environ = dict[str, Any]
Application = Callable[[Environ, Any], Iterable[bytes]]
Answer = tuple[str, dict[str, Any]]

READS = ("Describe", "List", "Get", "Head", "Filter")


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


class Handler(MotoRequestHandler):
    """Reads a whole request and writes a whole response, so that the connection can be reused at once."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def run_wsgi(self) -> None:
        """Answer one request."""
        environ = self.make_environ()
        environ["wsgi.input"] = io.BytesIO(_body(environ))
        environ["wsgi.input_terminated"] = True
        chunks, status, headers = run_wsgi_app(self.server.app, environ, buffered=True)
        self._write(status, dict(headers), b"".join(chunks))

    def handle_expect_100(self) -> bool:
        """Tell the client to send the body."""
        self.send_response_only(HTTPStatus.CONTINUE)
        self.end_headers()
        self.wfile.flush()
        return True

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Do not log each request."""

    def _write(self, status: str, headers: dict[str, str], body: bytes) -> None:
        code, _, text = status.partition(" ")
        self.send_response(int(code), text)
        for name, value in headers.items():
            if name.lower() not in ("content-length", "connection", "transfer-encoding"):
                self.send_header(name, value)
        head = self.command == "HEAD"
        length = headers.get("Content-Length", headers.get("content-length")) if head else None
        if int(code) not in (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED):
            self.send_header("Content-Length", length or str(len(body)))
        self.end_headers()
        if not head:
            self.wfile.write(body)
        self.wfile.flush()


def serve(cloud: SharedState, tasks: Tasks, listener: socket.socket) -> BaseWSGIServer:
    """A server on that socket; its owner calls serve_forever() and shutdown(). It also serves the task agents."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    _lock_actions(cloud)
    _remember_method_names()
    application = AgentEndpoint(cloud, tasks, DomainDispatcherApplication(_application))
    host, port = listener.getsockname()
    return make_server(host, port, application, threaded=True, request_handler=Handler, fd=listener.fileno())


def _body(environ: dict[str, Any]) -> bytes:
    stream = environ["wsgi.input"]
    if environ.get("wsgi.input_terminated"):  # a chunked body
        body: bytes = stream.read()
        return body
    return bytes(stream.read(int(environ.get("CONTENT_LENGTH") or 0)))


def _application(service: Any) -> Flask:
    """moto's application for a service; what it lacks becomes an error that clients can read, and is logged."""
    application = create_backend_app(service)
    application.debug = False
    application.register_error_handler(InternalServerError, _failure)
    return application


def _failure(error: InternalServerError) -> tuple[str, int]:
    text = f"The local cloud cannot do that: {error.original_exception!r}"
    if "X-Amz-Target" in request.headers:
        return json.dumps({"__type": "InternalFailure", "message": text}), error.code
    details = f"<Error><Code>InternalFailure</Code><Message>{escape(text)}</Message></Error>"
    return f"<ErrorResponse><Errors>{details}</Errors>{details}</ErrorResponse>", error.code


def _lock_actions(cloud: SharedState) -> None:
    """moto's state is not thread-safe: one action at a time (S3 has its own handling and is exempt)."""
    original = BaseResponse.call_action

    def call_action(response: Any) -> Any:
        with cloud.lock:
            answer = original(response)
        if not response._get_action().startswith(READS):
            cloud.wake()
        return answer

    setattr(BaseResponse, "call_action", call_action)  # noqa: B010


def _remember_method_names() -> None:
    """moto lists all methods of a service for each request, which takes milliseconds for EC2."""
    remembered = functools.cache(responses.__dict__["method_names_from_class"])
    setattr(responses, "method_names_from_class", remembered)  # noqa: B010
