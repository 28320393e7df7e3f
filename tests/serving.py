"""HTTP servers that stand for others: they answer on a thread of their own for as long as a test needs them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import HTTPServer
from typing import TypeVar

Server = TypeVar("Server", bound=HTTPServer)


class Quiet:
    """Handlers with this before http.server's own keep the test's output clean."""

    def log_message(self, *_: object) -> None:
        """Not a line for each request."""


@contextmanager
def serving(server: Server) -> Iterator[Server]:
    """Let the server answer, and end it."""
    with server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()
