"""A network between two programs that a test can cut."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

from end_to_end.broker import LOOPBACK

CHUNK_BYTES = 65_536


class Proxy:
    """Hands TCP connections on to an address; `broken` ones are closed at once.

    Those that fall silent stay open, and nothing passes any more: so does a network that is cut.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._target = parts.hostname or LOOPBACK, parts.port or 0
        self._listener = socket.create_server((LOOPBACK, 0))
        account, at, _ = parts.netloc.rpartition("@")
        port = self._listener.getsockname()[1]
        self.url = parts._replace(netloc=f"{account}{at}{LOOPBACK}:{port}").geturl()
        self.broken = False
        self.silent = False
        self._last_word = b""
        self._mute: set[socket.socket] = set()
        self._open: set[socket.socket] = set()
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Close all connections; new ones work."""
        for side in list(self._open):
            _shut(side)

    def fall_silent(self, at: bytes = b"") -> None:
        """Let nothing pass on the present connections, now or when a client says these bytes; new ones work."""
        self._last_word = at
        if not at:
            self._mute |= self._open

    @property
    def fell_silent(self) -> bool:
        """Whether a connection has."""
        return bool(self._mute)

    def close(self) -> None:
        self._listener.close()
        self.cut()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                if self.broken:
                    client.close()
                else:
                    self._connect(client)

    def _connect(self, client: socket.socket) -> None:
        try:
            server = socket.create_connection(self._target)
        except OSError:
            client.close()
            return
        self._open |= {client, server}
        for source, sink in ((client, server), (server, client)):
            threading.Thread(target=self._pass_on, args=(source, sink), daemon=True).start()

    def _pass_on(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while chunk := source.recv(CHUNK_BYTES):
                if self._last_word and self._last_word in chunk:
                    self._mute |= {source, sink}
                    self._last_word = b""
                    sink.sendall(chunk)
                elif not (self.silent or source in self._mute):
                    sink.sendall(chunk)
        if source in self._mute:
            return  # neither side hears that the other one has gone
        _shut(source)
        _shut(sink)
        self._open -= {source, sink}


def _shut(side: socket.socket) -> None:
    with suppress(OSError):
        side.shutdown(socket.SHUT_RDWR)


@contextmanager
def proxy(url: str) -> Iterator[Proxy]:
    made = Proxy(url)
    try:
        yield made
    finally:
        made.close()
