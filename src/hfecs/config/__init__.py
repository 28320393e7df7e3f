"""The configuration: every key with its type, default and meaning; `load` fills it."""

from __future__ import annotations

from hfecs.config.aws import Aws, Cluster, Network
from hfecs.config.containers import Broker, Images, Ports, Worker
from hfecs.config.monitoring import Monitoring
from hfecs.config.scaling import Run, Scaling
from hfecs.config.types import Section, StateAddress, key

__all__ = [
    "Aws",
    "Broker",
    "Cluster",
    "Config",
    "Images",
    "Monitoring",
    "Network",
    "Ports",
    "Run",
    "Scaling",
    "Section",
    "Worker",
]


class Config(Section):
    """All tables, and where the state is stored."""

    state: StateAddress | None = key(
        None,
        "where hfecs records what it created: a file, or s3://BUCKET/KEY for a team; default: hfecs.state.json next to "
        "this file",
    )
    aws: Aws = Aws()
    cluster: Cluster = Cluster()
    network: Network = Network()
    ports: Ports = Ports()
    broker: Broker = Broker()
    images: Images = Images()
    worker: Worker = Worker()
    scaling: Scaling = Scaling()
    run: Run = Run()
    monitoring: Monitoring = Monitoring()
