"""The local cloud as a process: one control plane and one data plane, in a network 127.N.0.0/16 of its own.

The network is claimed by its API socket, so that two clouds never collide.
"""

from __future__ import annotations

import functools
import gc
import json
import logging
import os
import shutil
import signal
import socket
import sys
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from hfecs.errors import LocalCloudFailed
from hfecs.local.client import REGION, LocalCloud

if TYPE_CHECKING:
    from werkzeug.serving import BaseWSGIServer

    from hfecs.local.data_plane.shared import SharedState
    from hfecs.local.reconciler import Reconciler


FIRST, LAST = 16, 250
API_PORTS = (4566, 14566, 24566)
LISTENING = "0A"  # the state of a listening socket in /proc/net/tcp

SERVICES = dict.fromkeys(
    ("ec2", "ecs", "logs", "ssm", "autoscaling", "application-autoscaling", "cloudwatch"), REGION
) | {
    "iam": "aws",
    "sts": "aws",
    "s3": "aws",
}
PORTS = {"amqp": 5672, "management": 15672, "grafana": 3000, "influxdb": 8086}


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


def main(directory: Path) -> None:
    """Run the cloud until SIGTERM."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s: %(message)s")
    os.environ |= {"MOTO_EC2_ENABLE_INSTANCE_TYPE_VALIDATION": "true", "MOTO_DISABLE_GLOBAL_CORS": "true"}
    for name in ("machines", "tasks"):
        shutil.rmtree(directory / name, ignore_errors=True)
    network = claim()
    cloud = _describe(directory, network)
    state, reconciler, server = _build(cloud, network)
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    reconciler.start()
    threading.Thread(target=_warm_up, args=(state,), daemon=True).start()
    _tell(cloud)
    server.serve_forever(poll_interval=0.1)
    reconciler.end()
    (directory / "cloud.json").unlink(missing_ok=True)


def _build(cloud: LocalCloud, network: Network) -> tuple[SharedState, Reconciler, BaseWSGIServer]:
    """Everything that needs moto, whose import takes two seconds: with one boto3 session and no garbage collection."""
    gc.disable()
    import boto3

    setattr(boto3, "Session", functools.cache(boto3.Session))  # noqa: B010
    from hfecs.local.control_plane import moto_patches
    from hfecs.local.control_plane.server import serve
    from hfecs.local.data_plane.shared import SharedState
    from hfecs.local.reconciler import Reconciler

    state = SharedState(cloud.directory, cloud.endpoint_url, cloud.network, cloud.ports)
    reconciler = Reconciler(state, cloud.environment())
    moto_patches.apply(reconciler)
    server = serve(state, reconciler.tasks, network.listener)
    gc.freeze()
    gc.enable()
    return state, reconciler, server


def _warm_up(state: SharedState) -> None:
    """Load what the first calls need, before the caller sends them."""
    from moto.core.utils import get_service_model

    for name, region in SERVICES.items():
        with state.lock:
            state.backend(name.replace("-", ""), region)
            get_service_model(name)


def _describe(directory: Path, network: Network) -> LocalCloud:
    ports = {name: free_port(port) for name, port in PORTS.items()}
    return LocalCloud(directory, network.endpoint_url, network.number, os.getpid(), ports)


def _tell(cloud: LocalCloud) -> None:
    """Write cloud.json atomically, then notify the starter."""
    told = {
        "pid": cloud.pid,
        "endpoint_url": cloud.endpoint_url,
        "network": cloud.network,
        "ports": cloud.ports,
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    temporary = cloud.directory / "cloud.json.new"
    temporary.write_text(json.dumps(told, indent=2) + "\n")
    temporary.replace(cloud.directory / "cloud.json")
    ready = os.environ.pop("HFECS_LOCAL_READY", "")
    if ready:
        os.close(int(ready))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
