"""What a run keeps under runs/RUN/ of its bucket, so that it can be resumed by whoever reaches the bucket."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from hfecs.agents.common.object_store import ObjectStore
from hfecs.agents.engine.dag import FILES_PREFIX
from hfecs.errors import WorkflowInvalid
from hfecs.workflow import Beginning, Workflow

WORKDIR = "workdir/"
JSON = "application/json"


class RunFolder:
    """The folder of one run."""

    def __init__(self, objects: ObjectStore, bucket: str, run: str) -> None:
        self._objects = objects
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

    def tags_of_inputs(self, workflow: Workflow) -> dict[str, str]:
        """The entity tags of the files that the workflow reads and does not write, of those that are in the bucket."""
        tags = self._objects.tags(self.bucket, FILES_PREFIX)
        return {name: tags[FILES_PREFIX + name] for name in workflow.inputs() if FILES_PREFIX + name in tags}

    def missing_results(self, document: Mapping[str, Any], workflow: Workflow, done: set[int]) -> set[int]:
        """The processes, by number, whose jobs are done and whose files are not in the bucket any more."""
        return {number for number, _ in self._missing(document, workflow, done)}

    def missing_files(self, document: Mapping[str, Any], workflow: Workflow, done: set[int]) -> list[str]:
        """The files of those jobs that are not in the bucket."""
        return [name for _, name in self._missing(document, workflow, done)]

    def _missing(self, document: Mapping[str, Any], workflow: Workflow, done: set[int]) -> Iterator[tuple[int, str]]:
        there = self._objects.tags(self.bucket, FILES_PREFIX)
        for number in sorted(done):
            if _place(document["processes"][number - 1]) == ("s3", self.bucket, FILES_PREFIX):
                for name in workflow.files(workflow.processes[number - 1].outs):
                    if FILES_PREFIX + name not in there:
                        yield number, name


def _place(process: Mapping[str, Any]) -> tuple[str | None, str | None, str | None]:
    """Where a job has its files: the kind of storage, the bucket and the prefix."""
    options = process.get("config", {}).get("executor", {}).get("options", {})
    return options.get("storage"), options.get("bucket"), options.get("prefix")


def refuse_outside(keys: list[str], bucket: str, prefix: str) -> None:
    """WorkflowInvalid if an object would be written outside of the workdir."""
    for key in keys:
        if ".." in key.split("/"):
            raise WorkflowInvalid(f"The object {key} of the bucket {bucket} is not inside {prefix}.")
