"""The HTTP side of the daemon: moto's server, with persistent connections, one action at a time."""

from __future__ import annotations

import functools
import io
import json
import logging
import socket
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

from hfecs.local.control_plane.agent_endpoint import AgentEndpoint
from hfecs.local.data_plane.shared import SharedState
from hfecs.local.data_plane.tasks import Tasks

READS = ("Describe", "List", "Get", "Head", "Filter")


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
