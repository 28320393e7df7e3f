"""What a run leaves in its bucket: enough to continue it from any machine, without the state file."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic import TypeAdapter, ValidationError

from hfecs.aws.errors import ignoring
from hfecs.blueprints.run import Run
from hfecs.errors import Misused
from hfecs.provisioning.stack import Stack
from hfecs.resources import bucket, job_files, task
from hfecs.runs import result as run_result
from hfecs.runs.lookup import remembered
from hfecs.workflow import Beginning, JobDirectory
from hfecs.workflow.keys import SHARED, of_inputs, stored, tags_key

ABSENT = ("NoSuchKey", "NoSuchBucket")
WORKFLOW = "workdir/dag.json"
TAGS = TypeAdapter(dict[str, str])
# Number of file names shown if many have changed.
SHOWN = 5


@dataclass(frozen=True)
class Archived:
    """A run in a bucket: how it started, and the result of its latest attempt that has one."""

    name: str
    bucket: str
    beginning: Beginning
    result: dict[str, Any] | None

    @property
    def has_succeeded(self) -> bool:
        """Whether there is nothing left to do."""
        return self.result is not None and self.result["status"] == "succeeded"

    def run(self) -> Run:
        """The run as it was last started; its task is not known here."""
        known = self.beginning
        has_own_files = known.prefix != SHARED
        return Run(
            self.name, self.bucket, attempt=known.attempt, variables=known.variables, has_own_files=has_own_files
        )


def find(stack: Stack, name: str, bucket_name: str | None) -> Archived:
    """Look for a run in the named bucket, in that of the last run, and in all of the cluster's."""
    looked = []
    for place in places(stack, bucket_name):
        looked.append(place)
        beginning = read_object(stack, place, f"runs/{name}/run.json")
        if beginning is not None:
            result = read_object(stack, place, f"runs/{name}/result.json")
            told = run_result.read(result, name) if result is not None else None
            return Archived(name, place, _beginning(name, beginning), told)
    where = ", ".join(looked) or "any bucket of the cluster"
    raise Misused(
        f"Run {name} was not found in {where}, or it ended before its engine started.",
        hint="name its bucket: --bucket NAME; or start a new run: hfecs run JOB_DIR",
    )


def places(stack: Stack, bucket_name: str | None) -> Iterator[str]:
    """Where a run may be: the named bucket, that of the last run, and all of the cluster's."""
    first = [place for place in dict.fromkeys([bucket_name, stack.outputs().get("bucket")]) if place]
    yield from first
    for found in bucket.survey(stack):
        if found.name not in first:
            yield found.name


def next_attempt(stack: Stack, kept: Archived) -> Run:
    """The next attempt; Misused if the run is still running."""
    if any(found.name == kept.name for found in task.survey(stack)):
        hint = f"follow it: hfecs run --attach --run {kept.name}; or stop it first: hfecs run --stop"
        raise Misused(f"Run {kept.name} is still running.", hint=hint)
    last = remembered(stack)
    begun = last.attempt if last and last.name == kept.name else 1
    return replace(kept.run(), attempt=max(begun, kept.beginning.attempt) + 1)


def state_of(stack: Stack, run: Run) -> str:
    """State of a run: "running", the status of its result, or "lost" if its engine ended without one."""
    known = task.describe(stack, run.task)
    if known and known["lastStatus"] != "STOPPED":
        return "running"
    content = read_object(stack, run.bucket, f"runs/{run.name}/result.json")
    result = run_result.read(content, run.name) if content is not None else None
    return str(result["status"]) if result and result["attempt"] == run.attempt else "lost"


def refuse_changes(stack: Stack, kept: Archived, job: JobDirectory | None) -> None:
    """Misused if the workflow or its inputs differ from those the run started with: finished jobs would not match."""
    if job:
        changed, where = sorted(_changed_here(kept.beginning, job)), str(job.directory)
    else:
        there = job_files.in_bucket(stack, kept.bucket)
        changed, where = sorted(_changed_there(kept.beginning, there)), kept.bucket
    if changed:
        raise Misused(
            f"{_named(changed)} of {where} changed or disappeared since run {kept.name} started.",
            hint=f"restore them: hfecs run --resume {kept.name} JOB_DIR; or start a new run: hfecs run JOB_DIR",
        )


def _changed_there(beginning: Beginning, tags: Mapping[str, str]) -> Iterator[str]:
    """The inputs that are not in the bucket any more as they were; the tags are those of its objects."""
    own = of_inputs(beginning.prefix, beginning.inputs)
    for name, tag in beginning.inputs.items():
        if own[name] not in tags if own else tags.get(f"input/{name}") != tag:
            yield f"input/{name}"


def _changed_here(beginning: Beginning, job: JobDirectory) -> Iterator[str]:
    """The files of a job directory that are new or changed since the run started."""
    workdir = job.workflow_files
    for name, digest in beginning.workdir.items():
        if name not in workdir or hashlib.sha256(workdir[name].read_bytes()).hexdigest() != digest:
            yield f"workdir/{name}"
    inputs = job_files.here(job.files(beginning.inputs))
    for name, tag in beginning.inputs.items():
        key = f"input/{name}"
        if key not in inputs or inputs[key]() != tag:
            yield key


def _named(files: Iterable[str]) -> str:
    names = list(files)
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def beginning_of(stack: Stack, run: Run) -> Beginning:
    """How a run started, as its engine wrote it down; before that, as far as it is known."""
    content = read_object(stack, run.bucket, f"runs/{run.name}/run.json")
    return Beginning(variables=dict(run.variables)) if content is None else _beginning(run.name, content)


def document_key(stack: Stack, run: Run) -> str:
    """The key of a run's workflow, before its engine has started."""
    content = read_object(stack, run.bucket, tags_key(run.name))
    try:
        return stored(WORKFLOW, TAGS.validate_json(content)[WORKFLOW]) if content is not None else WORKFLOW
    except (ValidationError, KeyError):
        raise Misused(
            f"Cannot read which files run {run.name} has.", hint="start a new run: hfecs run JOB_DIR"
        ) from None


def _beginning(name: str, content: bytes) -> Beginning:
    try:
        return Beginning.from_json(content)
    except ValidationError:
        raise Misused(f"Cannot read how run {name} started.", hint="start a new run: hfecs run JOB_DIR") from None


def read_object(stack: Stack, place: str, key: str) -> bytes | None:
    """What an object holds; None if it or its bucket is not there."""
    with ignoring(*ABSENT):
        return bytes(stack.cloud.s3.get_object(Bucket=place, Key=key)["Body"].read())
    return None
