"""The record of a run on the engine's machine: its jobs, its machines, and how the cluster stood; kept in the bucket.

`hfecs.record.model` is its shape; templates/engine/record.js writes the lines of the jobs.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

from pydantic import ValidationError

from hfecs.agents.common.object_store import ObjectStore
from hfecs.agents.engine.lines import LinesKeeper
from hfecs.agents.engine.machines import machines_of
from hfecs.agents.engine.settings import ENGINE, Settings
from hfecs.record import model
from hfecs.record.model import Machine, Moment

log = logging.getLogger(__name__)

CLUSTER = "CLUSTER_NAME"


class RunRecord:
    """The files of the record; without a cluster's name nobody asks for machines."""

    def __init__(self, settings: Settings, objects: ObjectStore, directory: Path) -> None:
        self._objects = objects
        self._bucket = settings.bucket
        self._folder = f"runs/{settings.run}/"
        self._jobs = self._keeper(directory / "jobs.jsonl", model.JOBS)
        self._curve = self._keeper(directory / "curve.jsonl", model.CURVE)
        cluster = os.environ.get(CLUSTER, "")
        self._machines = machines_of(cluster, settings.run) if cluster else None
        self._kept_machines = ""

    def _keeper(self, path: Path, name: str) -> LinesKeeper:
        return LinesKeeper(path, self._objects, self._bucket, self._folder + name)

    @property
    def jobs_file(self) -> Path:
        """Where the engine writes the lines of the jobs."""
        return self._jobs.path

    def fetch(self) -> None:
        """Begin with what an earlier attempt of the run has left."""
        self._jobs.fetch()
        self._curve.fetch()

    def start(self, *, resumed: bool) -> None:
        """Begin to look for machines."""
        if self._machines:
            self._machines.start(self._known_machines() if resumed else [])

    def note(self, moment: Moment) -> None:
        """Write down how the cluster stands."""
        told = {key: value for key, value in asdict(moment).items() if value is not None}
        with self._curve.path.open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(told, separators=(",", ":")) + "\n")

    def keep(self) -> None:
        """Bring what is new into the bucket; AwsFailed if the bucket does not take it."""
        self._jobs.keep()
        self._curve.keep()
        told = self._machines.told() if self._machines else ""
        if told and told != self._kept_machines:
            self._objects.write(told, self._bucket, self._folder + model.MACHINES, "application/json")
            self._kept_machines = told

    def end(self) -> None:
        """Look for machines for the last time; what was seen is kept with the last lines of the journal."""
        if self._machines:
            self._machines.end()

    def _known_machines(self) -> list[Machine]:
        key = self._folder + model.MACHINES
        if key not in self._objects.keys(self._bucket, key):
            return []
        try:
            return model.machines(self._objects.read(self._bucket, key).encode())
        except ValidationError as error:
            log.warning("the machines of earlier attempts cannot be read: %s", error)
            return []


def facts(settings: Settings, environ: Mapping[str, str]) -> dict[str, str]:
    """Words about how the run is made, for those who look at it later."""
    package = settings.node_modules.parent / ENGINE / "package.json"
    engine = str(json.loads(package.read_text(encoding="utf-8"))["version"]) if package.is_file() else ""
    region = environ.get("AWS_DEFAULT_REGION", "")
    known = {"hfecs": version("hfecs"), "engine": engine, "region": region, "cluster": environ.get(CLUSTER, "")}
    return {name: value for name, value in known.items() if value}
