"""The process of a local cloud: python -m hfecs.local.daemon DIRECTORY (started by client.up)."""

from __future__ import annotations

import functools
import gc
import json
import logging
import os
import shutil
import signal
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from hfecs.local.client import REGION, LocalCloud
from hfecs.local.network import Network, claim, free_port

if TYPE_CHECKING:
    from werkzeug.serving import BaseWSGIServer

    from hfecs.local.data_plane.shared import SharedState
    from hfecs.local.reconciler import Reconciler

SERVICES = dict.fromkeys(
    ("ec2", "ecs", "logs", "ssm", "autoscaling", "application-autoscaling", "cloudwatch"), REGION
) | {
    "iam": "aws",
    "sts": "aws",
    "s3": "aws",
}
PORTS = {"amqp": 5672, "management": 15672, "grafana": 3000, "influxdb": 8086}


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
