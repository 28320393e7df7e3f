"""What workers share with their machine: cached inputs, a file server, and jobs in their own containers.

Each directory has the same path on both sides: the Docker daemon, called inside a worker, knows only the machine's.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hfecs.config import Config

CACHE = "/var/lib/hfecs/cache"
JOBS = "/var/lib/hfecs/jobs"
NFS = "/nfs"
DOCKER = "/var/run/docker.sock"


@dataclass(frozen=True)
class Mount:
    """A path on the machine, mounted at the same path in the container, and the variables that point to it."""

    name: str
    path: str
    environment: dict[str, str] = field(default_factory=dict)


def of(config: Config) -> list[Mount]:
    """The mounts of a cluster's workers; the Docker socket only if explicitly allowed."""
    worker, mounts = config.worker, []
    if worker.feature_download:
        told = {"FEATURE_DOWNLOAD": "ENABLED", "CACHE_DIRECTORY": CACHE, "CACHE_GIB": str(worker.cache_gib)}
        mounts.append(Mount("cache", CACHE, told))
    if worker.nfs_mount:
        mounts.append(Mount("nfs", NFS, {"NFS_MOUNT": NFS}))
    if worker.allow_containers:
        mounts += [Mount("jobs", JOBS, {"TMPDIR": JOBS, "CONTAINERS": "ENABLED"}), Mount("docker", DOCKER)]
    return mounts


def mounted(definition: dict[str, Any], mounts: list[Mount]) -> dict[str, Any]:
    """The task definition with these mounts in its only container."""
    if not mounts:
        return definition
    (container,) = definition["containerDefinitions"]
    told = [{"name": name, "value": value} for mount in mounts for name, value in mount.environment.items()]
    points = [{"sourceVolume": mount.name, "containerPath": mount.path, "readOnly": False} for mount in mounts]
    container |= {"environment": [*container["environment"], *told], "mountPoints": points}
    if may_run_containers({"volumes": _volumes(mounts)}):
        container["user"] = "root"  # the socket belongs to root
    return definition | {"volumes": _volumes(mounts)}


def may_run_containers(definition: Any) -> bool:
    """Whether a task definition mounts the Docker socket."""
    return any(volume["host"].get("sourcePath") == DOCKER for volume in definition.get("volumes", []))


def _volumes(mounts: list[Mount]) -> list[dict[str, Any]]:
    return [{"name": mount.name, "host": {"sourcePath": mount.path}} for mount in mounts]
