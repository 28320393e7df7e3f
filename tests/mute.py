"""A broker that takes connections and never says a word: its machine is frozen, or a firewall drops what it says."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def mute_broker() -> Iterator[int]:
    """Listen at a port of 127.0.0.1, which is handed on; the kernel takes the connections, nobody reads them."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield int(listener.getsockname()[1])
