"""One run of a workflow: fetched from the bucket, run by the HyperFlow engine, its log and result put beside it."""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO

from hfecs.agents import environment
from hfecs.agents.children import child
from hfecs.agents.dag import make_ready
from hfecs.agents.engine_home import node_modules
from hfecs.agents.environment import Environment
from hfecs.agents.messages import JOBS_QUEUE
from hfecs.agents.objects import ObjectStore
from hfecs.agents.redis import private_redis
from hfecs.agents.result import Records
from hfecs.agents.threads import Threads
from hfecs.errors import ConfigurationInvalid, WorkflowInvalid
from hfecs.render import template_path
from hfecs.workflow import Workflow

log = logging.getLogger(__name__)

WORKDIR = "workdir/"
TRANSFERS = 8
VARIABLE = "HF_VAR_"
"""Variables of the environment that begin so are the workflow's, as with `hflow run`."""


OPTIONS = ("STORAGE", "WORKDIR", "CONTAINER")
NUMBERS = ("RETRIES", "TIMEOUT")
"""Variables with options for all jobs of the run, unless the workflow says otherwise."""


@dataclass(frozen=True)
class Settings:
    """What the engine agent has to know; `broker` holds a password."""

    run: str
    bucket: str
    broker: str
    queue: str
    node_modules: Path
    variables: Mapping[str, str]
    options: Mapping[str, str | float] = field(default_factory=dict)

    @classmethod
    def from_environment(cls, environ: Environment) -> Settings:
        """Read RUN_ID, BUCKET, AMQP_URL, AMQP_QUEUE, HFECS_ENGINE_HOME, HF_VAR_... and the options for jobs."""
        return cls(
            run=environment.required(environ, "RUN_ID"),
            bucket=environment.required(environ, "BUCKET"),
            broker=environment.broker_url(environ),
            queue=environment.optional(environ, "AMQP_QUEUE", JOBS_QUEUE),
            node_modules=node_modules(environ),
            variables={
                name.removeprefix(VARIABLE): value for name, value in environ.items() if name.startswith(VARIABLE)
            },
            options=_options(environ),
        )


def _options(environ: Environment) -> dict[str, str | float]:
    words = {name.lower(): environ[name] for name in OPTIONS if environ.get(name)}
    numbers = {name.lower(): int(environment.seconds(environ, name, 0)) for name in NUMBERS if environ.get(name)}
    return {**words, **numbers}


class WorkflowRun:
    """The files of a run in a directory, and the engine that works on them."""

    def __init__(self, settings: Settings, objects: ObjectStore, directory: Path) -> None:
        self._settings = settings
        self._objects = objects
        self._workdir = directory / "workdir"
        self.log_file = directory / "engine.log"
        self.records = Records(journal=directory / "journal.log", failures=directory / "failures.jsonl")

    def fetch(self) -> Workflow:
        """Download the job directory's workdir and make it ready; WorkflowInvalid if it cannot be run."""
        bucket = self._settings.bucket
        keys = [key for key in self._objects.keys(bucket, WORKDIR) if not key.endswith("/")]
        for key in keys:
            if ".." in key.split("/"):
                raise WorkflowInvalid(f"The object {key} of the bucket {bucket} is not inside {WORKDIR}.")
        threads = Threads(TRANSFERS)
        for future in [threads.submit(partial(self._download, key)) for key in keys]:
            future.result()
        settings = self._settings
        return make_ready(self._workdir, settings.run, bucket, settings.variables, settings.options)

    def _download(self, key: str) -> None:
        target = self._workdir / key.removeprefix(WORKDIR)
        target.parent.mkdir(parents=True, exist_ok=True)
        self._objects.download(self._settings.bucket, key, target)

    def execute(self) -> int:
        """Run the engine to its end, its output shown and kept; its exit code, 0 if all jobs succeeded."""
        node = shutil.which("node")
        if not node:
            raise ConfigurationInvalid("Node.js was not found.", "install it: apt-get install nodejs")
        words = (node, str(template_path("engine/run.js")), "dag.json")
        with private_redis() as redis, self.log_file.open("ab") as kept:
            with child(words, self._workdir, self._environ(redis), subprocess.PIPE) as process:
                if process.stdout:
                    _show_and_keep(process.stdout, kept)
                return process.wait()

    def _environ(self, redis: Path) -> dict[str, str]:
        settings = self._settings
        return {
            **os.environ,
            "NODE_PATH": str(settings.node_modules),
            "NODE_NO_WARNINGS": "1",  # of the engine's old libraries
            "REDIS_URL": str(redis),
            "AMQP_URL": settings.broker,
            "AMQP_QUEUE": settings.queue,
            "RUN_ID": settings.run,
            "HFECS_JOURNAL": str(self.records.journal),
            "HFECS_FAILURES": str(self.records.failures),
        }


def _show_and_keep(output: IO[bytes], kept: IO[bytes]) -> None:
    for line in output:
        kept.write(line)
        sys.stdout.buffer.write(line)
        sys.stdout.buffer.flush()
