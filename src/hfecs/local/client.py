"""Start, find and stop the local cloud of a directory.

    up(directory)      the cloud of that directory, started if necessary
    find(directory)    the cloud of that directory, if it is running
    down(directory)    stops all of its processes and deletes its data

Light to import: everything heavy happens in the daemon's own process.
"""

from __future__ import annotations

import fcntl
import json
import os
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hfecs.errors import LocalCloudFailed
from hfecs.local.processes import CLOUD_MARK, NAME_MARK, Process, kill_all, processes_of, send, wait_until_ended

REGION = "us-east-1"
START_SECONDS = 30.0  # it takes about two; more only on a very busy machine
LITTLE_BYTES = 1024 * 1024  # a disk with less free space counts as full
STOP_SECONDS = 20.0  # the daemon gives its tasks five seconds


@dataclass(frozen=True)
class LocalCloud:
    """A running local cloud."""

    directory: Path
    endpoint_url: str
    network: int
    pid: int
    ports: dict[str, int]

    def settings(self) -> dict[str, object]:
        """The configuration keys that point the rest of hfecs at this cloud."""
        return {
            "aws.region": REGION,
            "aws.endpoint_url": self.endpoint_url,
            "ports.amqp": self.ports["amqp"],
            "ports.management": self.ports["management"],
            "images.hfecs": "hfecs-local/hfecs",
            "images.worker": "hfecs-local/worker",
            "images.broker": "rabbitmq:3.13-management",
            "ports.grafana": self.ports["grafana"],
            "ports.influxdb": self.ports["influxdb"],
        }

    def environment(self) -> dict[str, str]:
        """The environment variables that point any AWS program at this cloud."""
        return {
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL": self.endpoint_url,
        }

    def processes(self) -> list[Process]:
        """All processes of this cloud: the daemon, its machines, their tasks."""
        return processes_of(self.directory)


def up(directory: Path) -> LocalCloud:
    """Start the local cloud of that directory if it is not running; LocalCloudFailed with its log if it cannot."""
    directory = directory.resolve()
    directory.mkdir(parents=True, exist_ok=True)
    with _lock(directory):
        cloud = find(directory)
        if cloud is None:
            _end_the_rest(directory)
            cloud = _start(directory)
    return cloud


def find(directory: Path) -> LocalCloud | None:
    """The local cloud of that directory, or None; a file left behind by a dead one is deleted."""
    directory = directory.resolve()
    file = directory / "cloud.json"
    try:
        told: dict[str, Any] = json.loads(file.read_bytes())
        cloud = LocalCloud(directory, told["endpoint_url"], told["network"], told["pid"], told["ports"])
    except (FileNotFoundError, ValueError, LookupError, TypeError, RecursionError):  # missing, truncated or edited
        return None
    if any(process.pid == cloud.pid for process in processes_of(directory)):
        return cloud
    file.unlink(missing_ok=True)
    return None


def down(directory: Path) -> bool:
    """Stop every process of that directory's cloud, then delete its data; False if there was nothing to stop."""
    directory = directory.resolve()
    if not directory.exists():
        return False
    with _lock(directory):
        cloud = find(directory)
        if cloud:
            send([cloud.pid], signal.SIGTERM)
            wait_until_ended([cloud.pid], STOP_SECONDS)
        rest = _end_the_rest(directory)
        _remove_data(directory)
    return bool(cloud or rest)


def _end_the_rest(directory: Path) -> bool:
    """After a clean stop nothing is left; after a kill -9 of the daemon some processes may be."""
    found = bool(processes_of(directory))
    if not kill_all(lambda: [process.pid for process in processes_of(directory)]):
        left = ", ".join(f"{process.pid} ({process.what})" for process in processes_of(directory))
        raise LocalCloudFailed(f"Some processes of the local cloud in {directory} could not be stopped: {left}.")
    return found


def _remove_data(directory: Path) -> None:
    """Delete all but the lock; LocalCloudFailed if something stays."""
    for entry in directory.iterdir():
        if entry.name == "lock":
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry, ignore_errors=True)
        else:
            entry.unlink(missing_ok=True)
    if left := sorted(entry.name for entry in directory.iterdir() if entry.name != "lock"):
        raise LocalCloudFailed(
            f"The local cloud was stopped, but {', '.join(left)} in {directory} could not be deleted.",
            hint="delete the directory yourself",
        )


def _start(directory: Path) -> LocalCloud:
    """The daemon closes its end of the pipe when it is ready, or when it dies: no polling."""
    ready, told = os.pipe()
    with (directory / "daemon.log").open("ab") as log:
        # Without the caller's AWS settings: a missing profile would stop boto3 inside moto.
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        marks = {CLOUD_MARK: str(directory), NAME_MARK: "daemon", "HFECS_LOCAL_READY": str(told)}
        subprocess.Popen(
            [sys.executable, "-m", "hfecs.local.daemon", str(directory)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={**inherited, **marks, "PYTHONPATH": python_path()},
            pass_fds=[told],
            start_new_session=True,
        )
    os.close(told)
    answered, _, _ = select.select([ready], [], [], START_SECONDS)
    os.close(ready)
    cloud = find(directory) if answered else None
    if cloud is None:
        tail = "\n".join((directory / "daemon.log").read_text(errors="replace").splitlines()[-8:])
        full = shutil.disk_usage(directory).free < LITTLE_BYTES
        hint = "free some disk space" if full else "it needs moto's server: pip install 'hfecs[local]'"
        raise LocalCloudFailed(f"The local cloud in {directory} did not start:\n{tail}".strip(), hint)
    return cloud


def python_path() -> str:
    """The directory of this hfecs, first in the caller's PYTHONPATH, so that the daemon runs the same one."""
    here = str(Path(__file__).resolve().parents[2])
    return os.pathsep.join([here, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))])


@contextmanager
def _lock(directory: Path) -> Iterator[None]:
    with (directory / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
