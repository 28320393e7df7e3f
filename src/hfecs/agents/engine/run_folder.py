"""What a run keeps under runs/RUN/ of its bucket, so that it can be resumed by whoever reaches the bucket."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hfecs.agents.common.object_store import ObjectStore
from hfecs.errors import WorkflowInvalid
from hfecs.workflow import Beginning, Workflow
from hfecs.workflow.keys import SHARED, tags_key

WORKDIR = "workdir/"
JSON = "application/json"


class RunFolder:
    """The folder of one run."""

    def __init__(self, objects: ObjectStore, bucket: str, run: str) -> None:
        self._objects = objects
        self._run = run
        self.bucket = bucket
        self.prefix = f"runs/{run}/"

    def key(self, name: str) -> str:
        """The key of an object in the folder."""
        return self.prefix + name

    def read_beginning(self, directory: Path) -> Beginning:
        """How the first attempt began; AwsFailed if there was none."""
        path = directory / "run.json"
        self._objects.download(self.bucket, self.key("run.json"), path)
        return Beginning.from_json(path.read_bytes())

    def keep_beginning(self, beginning: Beginning) -> None:
        """Write down how the run begins, when all else that a resumption needs is there."""
        self._objects.write(beginning.to_json(), self.bucket, self.key("run.json"), JSON)

    def keep_workdir(self, workdir: Path) -> dict[str, str]:
        """Keep the workflow: another one may lie in the bucket's workdir/ later; return the SHA-256 of each file."""
        digests = {}
        for path in sorted(workdir.rglob("*")):
            if path.is_file():
                name = path.relative_to(workdir).as_posix()
                digests[name] = hashlib.sha256(path.read_bytes()).hexdigest()
                self._objects.upload(path, self.bucket, self.key(WORKDIR + name))
        return digests

    def read_tags(self) -> dict[str, str] | None:
        """The entity tags of the files that were uploaded for the run; None if it shares those of the bucket."""
        key = tags_key(self._run)
        if key not in self._objects.keys(self.bucket, key):
            return None
        tags: dict[str, str] = json.loads(self._objects.read(self.bucket, key))
        return tags

    def tags_of_inputs(self, workflow: Workflow, uploaded: Mapping[str, str] | None) -> dict[str, str]:
        """The entity tags of the files that the workflow needs and does not write, of those that are in the bucket."""
        tags = self._objects.tags(self.bucket, SHARED) if uploaded is None else uploaded
        written = set(workflow.files(index for process in workflow.processes for index in process.outs))
        needed = [*workflow.inputs(), *(name for name in workflow.outputs() if name not in written)]
        return {name: tags[f"input/{name}"] for name in needed if f"input/{name}" in tags}

    def missing(
        self, document: Mapping[str, Any], workflow: Workflow, done: set[int], prefix: str
    ) -> list[tuple[int, str]]:
        """The files below the prefix that are not in the bucket, with the numbers of the jobs that wrote them."""
        there = self._objects.tags(self.bucket, prefix)
        return [
            (number, name)
            for number in sorted(done)
            if _is_in(document["processes"][number - 1], self.bucket, prefix)
            for name in workflow.files(workflow.processes[number - 1].outs)
            if prefix + name not in there
        ]


def _is_in(process: Mapping[str, Any], bucket: str, prefix: str) -> bool:
    """Whether a job has its files in the bucket below the prefix."""
    options = process.get("config", {}).get("executor", {}).get("options", {})
    in_bucket = options.get("storage") in ("s3", "cloud")
    return in_bucket and (options.get("bucket"), options.get("prefix")) == (bucket, prefix)


def refuse_outside(keys: list[str], bucket: str, prefix: str) -> None:
    """WorkflowInvalid if an object would be written outside of the workdir."""
    for key in keys:
        if ".." in key.split("/"):
            raise WorkflowInvalid(f"The object {key} of the bucket {bucket} is not inside {prefix}.")
