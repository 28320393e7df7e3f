"""A stand-in for AWS that can be copied and that kills its clients: `python -m hostile.server DIRECTORY`.

moto with the mends of the local cloud and machines without processes (simulation.py), in one thread: one call at a
time, and one step of the data plane after each. It writes its port on the first line, and ends with its parent.

    POST /hostile/copy        a copy of this process with all that stands in it, on a port of its own: {"port", "pid"}
    POST /hostile/observe     {"after", "before"}: kill the next client (clients tell their pid in the header X-Client)
                              when its changing call number `after` has taken effect and before it is answered, or
                              when its call number `before` arrives, before it takes effect; with "at_look" when it
                              begins to follow the run that it has started
    POST /hostile/calls       the changing calls of that client: [[operation, what], ...]
    POST /hostile/end         end this process
"""

from __future__ import annotations

import ctypes
import functools
import gc
import io
import json
import os
import signal
import socket
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from moto import backends
from moto.backends import list_of_moto_modules
from werkzeug.serving import BaseWSGIServer, make_server
from werkzeug.test import run_wsgi_app

from hfecs.local.control_plane import moto_patches
from hfecs.local.control_plane.server import Handler, serve
from hfecs.local.reconciler import Reconciler
from hostile.operations import Operation, operation_of
from hostile.simulation import quiet_plane
from hostile.validations import validate_more
from quick_moto import shrink_moto

PR_SET_PDEATHSIG = 1
# The first thing that is done to follow a run that has been started.
LOOK = Operation("GetParameter", "/hfecs/hyperflow/broker-password")


@dataclass
class Watch:
    """One client: which of its changing calls it does not outlive, and those that it has made."""

    after: int = 0
    before: int = 0
    at_look: bool = False
    client: int = 0
    calls: list[Operation] = field(default_factory=list)
    killed: bool = False

    def kill(self) -> None:
        """End the client where it stands."""
        self.killed = True
        os.kill(self.client, signal.SIGKILL)

    def is_due(self, operation: Operation) -> bool:
        """Whether the client must not see this call take effect."""
        if operation.changing:
            return len(self.calls) + 1 == self.before
        return self.at_look and operation == LOOK


class HostileHandler(Handler):
    """Answers one request and closes the connection: the next client is never kept waiting by an idle one."""

    reconciler: Reconciler
    watch = Watch()

    def run_wsgi(self) -> None:
        self.close_connection = True
        if self.path.startswith("/hostile/"):
            self.answer(getattr(self, self.path.removeprefix("/hostile/"))())
            return
        environ = self.make_environ()
        length = int(environ.get("CONTENT_LENGTH") or 0)
        chunked = environ.get("wsgi.input_terminated")
        body: bytes = environ["wsgi.input"].read() if chunked else self.rfile.read(length)
        environ |= {"wsgi.input": io.BytesIO(body), "wsgi.input_terminated": True}
        operation = operation_of(environ, body)
        watch = self.watch
        client = int(environ.get("HTTP_X_CLIENT", 0))
        watch.client = watch.client or client
        watched = client == watch.client != 0
        if watched and not watch.killed and watch.is_due(operation):
            watch.kill()
        if watched and watch.killed:
            return
        chunks, status, headers = run_wsgi_app(self.server.app, environ, buffered=True)
        self.reconciler.step(time.monotonic())
        if watched and operation.changing:
            watch.calls.append(operation)
            if len(watch.calls) == watch.after:
                watch.kill()
                return
        self._write(status, {**dict(headers), "X-Closed": "close"}, b"".join(chunks))

    def answer(self, document: Any) -> None:
        """Answer a request of the tests."""
        self._write("200 OK", {"Content-Type": "application/json"}, json.dumps(document).encode())

    def asked(self) -> dict[str, Any]:
        """What the tests ask for."""
        return dict(json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}"))

    def copy(self) -> dict[str, int]:
        """Become two; the other one serves until it is ended, or its parent is."""
        self.asked()
        listener = socket.create_server(("127.0.0.1", 0))
        port, parent = listener.getsockname()[1], os.getpid()
        pid = os.fork()
        if pid == 0:
            die_with(parent)
            self.server.server_close()
            self.connection.close()
            serve_on(listener, self.server.app)
        listener.close()
        return {"port": port, "pid": pid}

    def observe(self) -> None:
        """Watch one client from now on."""
        HostileHandler.watch = Watch(**self.asked())

    def calls(self) -> list[list[str]]:
        """The changing calls of the watched client."""
        return [[call.name, call.what] for call in self.watch.calls]

    def end(self) -> None:
        """End at once."""
        os._exit(0)


def die_with(parent: int) -> None:
    """End when the parent has ended."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def serve_on(listener: socket.socket, application: Any) -> None:
    """Serve for ever."""
    host, port = listener.getsockname()
    server: BaseWSGIServer = make_server(
        host, port, application, threaded=False, request_handler=HostileHandler, fd=listener.fileno()
    )
    listener.detach()
    while True:
        server.handle_request()


def main(directory: Path) -> None:
    """Serve until the parent ends."""
    os.environ |= {"MOTO_EC2_ENABLE_INSTANCE_TYPE_VALIDATION": "true", "MOTO_DISABLE_GLOBAL_CORS": "true"}
    os.environ |= {"AWS_ACCESS_KEY_ID": "server", "AWS_SECRET_ACCESS_KEY": "server"}
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    die_with(os.getppid())
    shrink_moto(pytest.MonkeyPatch())
    setattr(backends, "list_of_moto_modules", functools.cache(lambda: tuple(list_of_moto_modules())))  # noqa: B010
    HostileHandler.reconciler = reconciler = quiet_plane(directory)
    moto_patches.apply(reconciler)
    validate_more()
    listener = socket.create_server(("127.0.0.1", 0))
    application = serve(reconciler.cloud, reconciler.tasks, listener).app
    gc.disable()  # copies are short-lived
    sys.stdout.write(f"{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    serve_on(listener, application)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
