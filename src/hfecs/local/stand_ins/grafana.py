"""Replaces the image grafana/grafana-oss: Debian does not package Grafana, so every request gets a plain answer.

The container runs, so the task is as on AWS; a browser and `hfecs monitoring status` see one sentence.
"""

from __future__ import annotations

import os
import signal
import sys
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import NoReturn

PORT = "3000"
SENTENCE = (
    "Grafana does not run on the local cloud: Debian does not package it. "
    "InfluxDB holds the metrics; any Grafana can show them with the dashboards of templates/grafana."
)


class Handler(BaseHTTPRequestHandler):
    """Serves the sentence."""

    def do_GET(self) -> None:
        """Answer one request."""
        body = f"{SENTENCE}\n".encode()
        self.send_response(HTTPStatus.SERVICE_UNAVAILABLE)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Do not log each request."""


def main() -> None:
    """Answer until SIGTERM."""
    ports = dict(mapping.split(":") for mapping in os.environ.get("HFECS_PORTS", "").split(",") if mapping)
    signal.signal(signal.SIGTERM, _end)
    sys.stdout.write(f"{SENTENCE}\n")
    with HTTPServer((os.environ["HFECS_ADDRESS"], int(ports.get(PORT, PORT))), Handler) as server:
        server.serve_forever()


def _end(*_: object) -> NoReturn:
    sys.exit(0)


if __name__ == "__main__":
    main()
