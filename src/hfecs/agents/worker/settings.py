"""The executor's settings, from the environment of its container."""

from __future__ import annotations

import os
import socket
import uuid
from dataclasses import dataclass

from hfecs.agents.common import environment
from hfecs.agents.common.environment import Environment
from hfecs.errors import ConfigurationInvalid
from hfecs.messaging.messages import JOBS_QUEUE

STORAGES = {"s3": "s3", "cloud": "s3", "local": "local", "nfs": "nfs"}
"""The kinds of storage, as in STORAGE and a job's option `storage`."""

STOP_TIMEOUT_SECONDS = 25.0
"""Five seconds less than ECS leaves a container between SIGTERM and SIGKILL."""


@dataclass(frozen=True)
class Settings:
    """The executor's settings; `broker` contains a password."""

    broker: str
    queue: str
    storage: str
    threads: int
    stop_timeout: float
    name: str
    nfs: str = ""

    @classmethod
    def from_environment(cls, environ: Environment) -> Settings:
        """Read AMQP_URL, AMQP_QUEUE, STORAGE, NFS_MOUNT, THREADS and STOP_TIMEOUT."""
        storage = environment.optional(environ, "STORAGE", "s3")
        if storage not in STORAGES:
            raise ConfigurationInvalid(f"STORAGE is {storage!r}.", f"it is one of {', '.join(STORAGES)}")
        return cls(
            broker=environment.broker_url(environ),
            queue=environment.optional(environ, "AMQP_QUEUE", JOBS_QUEUE),
            storage=STORAGES[storage],
            threads=environment.positive_integer(environ, "THREADS", os.cpu_count() or 1),
            stop_timeout=environment.seconds(environ, "STOP_TIMEOUT", STOP_TIMEOUT_SECONDS),
            nfs=environment.optional(environ, "NFS_MOUNT", ""),
            name=f"{socket.gethostname()}-{uuid.uuid4().hex[:8]}",
        )
