"""Addresses of a local cloud: its own network 127.N.0.0/16, so that two clouds never collide."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from pathlib import Path

from hfecs.errors import LocalCloudFailed

FIRST, LAST = 16, 250
API_PORTS = (4566, 14566, 24566)
LISTENING = "0A"  # the state of a listening socket in /proc/net/tcp


@dataclass
class Network:
    """A claimed network: its N in 127.N.0.0/16, and the API socket that claims it."""

    number: int
    listener: socket.socket

    @property
    def endpoint_url(self) -> str:
        """The URL of the AWS API."""
        address, port = self.listener.getsockname()
        return f"http://{address}:{port}"

    @property
    def cidr(self) -> str:
        """The address range of the default VPC."""
        return f"127.{self.number}.0.0/16"


def claim(start: int | None = None) -> Network:
    """Claim the first free network from `start` on; LocalCloudFailed if all are taken."""
    start = os.getpid() if start is None else start
    count = LAST - FIRST + 1
    for port in API_PORTS:
        for offset in range(count):
            number = FIRST + (start + offset) % count
            listener = _listen(f"127.{number}.0.1", port)
            if listener:
                return Network(number, listener)
    raise LocalCloudFailed(
        f"No address 127.{FIRST}.0.1 to 127.{LAST}.0.1 is free on ports {API_PORTS}.",
        "Stop local clouds that you do not need: hfecs local down.",
    )


def free_port(preferred: int) -> int:
    """The preferred port, or another one if a program listens on it at every address."""
    if preferred not in _listening_everywhere():
        return preferred
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _listen(address: str, port: int) -> socket.socket | None:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((address, port))
        listener.listen(128)
    except OSError:
        listener.close()
        return None
    return listener


def _listening_everywhere() -> set[int]:
    ports = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text().splitlines()[1:] if Path(table).exists() else []:
            _, local, _, state = line.split()[:4]
            address, _, port = local.partition(":")
            if state == LISTENING and not address.strip("0"):
                ports.add(int(port, 16))
    return ports
