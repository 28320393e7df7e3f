"""moto's server as the bench needs it: every call takes some time more, side by side, and is written to a log.

Run as a process of its own: `server.py DELAY_MS LOG`. It writes its port on the first line and ends when its standard
input is closed, so that it never outlives the bench. Connections are kept open as AWS does (werkzeug closes each).
"""

from __future__ import annotations

import io
import json
import os
import sys
import threading
import time
from http import HTTPStatus
from pathlib import Path
from typing import Any

from calls import Call, operation_of, service_of
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from moto_patches import ScalingTags, mended
from werkzeug.serving import make_server
from werkzeug.test import run_wsgi_app

OWN_AGENT = "hfecs-bench"  # the bench's own calls are neither slowed down nor logged


class Log:
    """A file with a line for each call, written before the caller has its answer."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", buffering=1)
        self._lock = threading.Lock()

    def write(self, call: Call) -> None:
        """Append a call."""
        with self._lock:
            self._file.write(json.dumps(vars(call)) + "\n")


class Handler(MotoRequestHandler):
    """Answers the requests of one connection, one after the other, each after the delay."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    delay = 0.0
    log_file: Log
    tags = ScalingTags()

    def run_wsgi(self) -> None:
        """Answer one request."""
        start = time.monotonic()
        self.environ = environ = self.make_environ()
        body = self._body(environ)
        own = self.path.startswith("/moto-api") or OWN_AGENT in environ.get("HTTP_USER_AGENT", "")
        if not own:
            time.sleep(self.delay)
        status, headers, answer = self._answer(environ, body)
        if not own:
            call = Call(service_of(environ), operation_of(environ, body), start, time.monotonic(), status)
            self.log_file.write(call)
        self._send(status, headers, answer)

    def log_request(self, code: object = "-", size: object = "-") -> None:
        """Say nothing: the log file has it all."""

    def _body(self, environ: dict[str, Any]) -> bytes:
        length = environ.get("CONTENT_LENGTH")
        chunked = environ.get("wsgi.input_terminated", False)
        body: bytes = environ["wsgi.input"].read() if chunked else self.rfile.read(int(length or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        return body

    def _answer(self, environ: dict[str, Any], body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        target = environ.get("HTTP_X_AMZ_TARGET", "")
        if (tags := self.tags.answer(target, body)) is not None:
            return 200, [("Content-Type", "application/x-amz-json-1.1")], tags
        chunks, status_line, headers = run_wsgi_app(self.server.app, environ, buffered=True)
        answer, status = b"".join(chunks), int(status_line.split()[0])
        if status == HTTPStatus.OK:
            self.tags.remember(target, body, answer)
            answer = mended(target, answer)
        return status, list(headers), answer

    def _send(self, status: int, headers: list[tuple[str, str]], answer: bytes) -> None:
        bodiless = self.command == "HEAD" or status in (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)
        self.send_response(status)
        for name, value in headers:
            if bodiless or name.lower() != "content-length":
                self.send_header(name, value)
        if not bodiless:
            self.send_header("Content-Length", str(len(answer)))
            # One write for the head and the body: two would cost 40 ms with a client that acknowledges late.
        self._headers_buffer.append(b"\r\n" + (b"" if bodiless else answer))
        self.flush_headers()


def _end_with_the_bench() -> None:
    sys.stdin.read()
    os._exit(0)


def main() -> None:
    """Serve until standard input is closed."""
    Handler.delay = float(sys.argv[1]) / 1000
    Handler.log_file = Log(Path(sys.argv[2]))
    server = make_server(
        "127.0.0.1",
        0,
        DomainDispatcherApplication(create_backend_app),
        threaded=True,
        request_handler=Handler,
    )
    threading.Thread(target=_end_with_the_bench, daemon=True).start()
    print(server.port, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
