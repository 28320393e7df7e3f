"""The records of runs, read from their buckets: from any machine that reaches these, also when the cluster is gone."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from pydantic import ValidationError

from hfecs.aws.errors import ignoring
from hfecs.errors import HfecsError, Misused
from hfecs.parallel import together
from hfecs.provisioning.stack import Stack
from hfecs.record import model
from hfecs.record.model import Machine, RunRecord
from hfecs.record.report import MOST_PICTURE_BYTES, PICTURES, Picture
from hfecs.resources import task
from hfecs.runs import archive
from hfecs.runs.archive import Archived
from hfecs.workflow import Workflow, from_bytes
from hfecs.workflow.keys import SHARED

RUNNING, LOST = "running", "lost"


@dataclass(frozen=True)
class Listed:
    """A run in the list of runs; what is not known is None."""

    name: str
    bucket: str
    status: str
    began: float | None
    ended: float | None
    jobs: int | None
    done: int | None
    failed: int | None

    @property
    def seconds(self) -> float | None:
        """From its beginning to its end, in seconds."""
        return None if self.began is None or self.ended is None else max(0.0, self.ended - self.began)


def listed(stack: Stack, bucket_name: str | None) -> list[Listed]:
    """The runs of a bucket, or of all buckets of the cluster, the newest first; Misused if there is no bucket."""
    places = [bucket_name] if bucket_name else list(archive.places(stack, None))
    if not places:
        raise Misused(f"Cluster {stack.cluster} has no bucket.", hint="name the bucket of the runs: --bucket NAME")
    names = [(place, name) for place in places for name in _names(stack, place)]
    running = {found.name for found in task.survey(stack)}
    found = together(*[partial(_listed, stack, place, name, name in running) for place, name in names])
    return sorted(found, key=lambda run: run.name, reverse=True)


def _names(stack: Stack, place: str) -> Iterator[str]:
    """The runs that have a folder in the bucket; a bucket that is gone has none."""
    with ignoring("NoSuchBucket"):
        pages = stack.cloud.s3.get_paginator("list_objects_v2").paginate(Bucket=place, Prefix="runs/", Delimiter="/")
        for page in pages:
            yield from (entry["Prefix"].split("/")[1] for entry in page.get("CommonPrefixes", ()))


def _listed(stack: Stack, place: str, name: str, is_running: bool) -> Listed:
    """A run whose files cannot be read is listed too, as far as it is known."""
    try:
        kept = archive.find(stack, name, place)
    except HfecsError:
        return Listed(name, place, RUNNING if is_running else LOST, None, None, None, None, None)
    told = kept.result or {}
    status = _status(kept, is_running)
    began, ended = _began(kept), _seconds(told.get("finished"))
    counted = (told.get("jobs"), told.get("done"), len(told["failed"]) if "failed" in told else None)
    return Listed(name, place, status, began, ended if status != RUNNING else None, *counted)


def _status(kept: Archived, is_running: bool) -> str:
    """That of the result, if it is of the last attempt; "lost" if there is none and nothing runs."""
    if is_running:
        return RUNNING
    told = kept.result
    return str(told["status"]) if told and told["attempt"] >= kept.beginning.attempt else LOST


def _began(kept: Archived) -> float | None:
    """When `hfecs run` began; of a run of an earlier version, when its engine did."""
    return kept.beginning.began or _seconds(kept.beginning.started)


def _seconds(timestamp: Any) -> float | None:
    try:
        return datetime.fromisoformat(timestamp).timestamp()
    except (TypeError, ValueError):
        return None


def read(stack: Stack, name: str, bucket_name: str | None) -> tuple[RunRecord, Workflow, Archived]:
    """All that is known of a run, its workflow, and how it began; Misused if no bucket has it."""
    kept = archive.find(stack, name, bucket_name)
    folder = f"runs/{name}/"
    keys = ("workdir/dag.json", model.JOBS, model.MACHINES, model.CURVE)
    dag, jobs, machines, curve = together(
        *[partial(archive.read_object, stack, kept.bucket, folder + key) for key in keys]
    )
    if dag is None:
        raise Misused(
            f"The workflow of run {name} is not in {kept.bucket} any more.", hint="its result.json may still be there"
        )
    workflow = from_bytes(dag, kept.beginning.variables, source=f"s3://{kept.bucket}/{folder}workdir/dag.json")
    told = kept.result or {}
    is_running = any(found.name == name for found in task.survey(stack))
    status = _status(kept, is_running)
    began, now = _began(kept), datetime.now(UTC).timestamp()
    made = list(model.tries(_unpacked(name, model.JOBS, jobs).splitlines()))
    last = max((one.ended or 0.0 for one in made), default=0.0)
    ended = now if is_running else _seconds(told.get("finished")) or last or began or now
    record = RunRecord(
        run=name,
        workflow=workflow.name,
        status=status,
        began=ended if began is None else began,
        ended=ended,
        jobs=model.jobs(workflow, made),
        machines=_machines(name, machines),
        curve=list(model.curve(_unpacked(name, model.CURVE, curve).splitlines())),
        failures=told.get("failed", ()),
        error=told.get("error", "") if status not in (RUNNING, "succeeded") and kept.result else "",
        facts=kept.beginning.facts,
    )
    return record, workflow, kept


def _unpacked(name: str, file: str, content: bytes | None) -> bytes:
    """What a file of the record holds; nothing of a run of an earlier version. Misused if it is damaged."""
    try:
        return gzip.decompress(content or b"")
    except (EOFError, OSError, zlib.error):
        raise Misused(
            f"runs/{name}/{file} is damaged, so run {name} cannot be shown.",
            hint="move it away to see the rest",
        ) from None


def _machines(name: str, content: bytes | None) -> list[Machine]:
    try:
        return model.machines(content) if content else []
    except ValidationError:
        raise Misused(f"runs/{name}/{model.MACHINES} cannot be read.", hint="move it away to see the rest") from None


def pictures(stack: Stack, kept: Archived, workflow: Workflow) -> list[Picture]:
    """The outputs of a run that are pictures, those with their content that fit into a report."""
    left, found = MOST_PICTURE_BYTES, []
    for name in workflow.outputs():
        if not name.lower().endswith(tuple(PICTURES)):
            continue
        with ignoring("404", "403", "NoSuchKey", "NoSuchBucket"):
            key = kept.beginning.key_of(name)
            size = stack.cloud.s3.head_object(Bucket=kept.bucket, Key=key)["ContentLength"]
            content = (archive.read_object(stack, kept.bucket, key) or b"") if size <= left else b""
            left -= len(content)
            found.append(Picture(name, size, content))
    return found


def sizes(stack: Stack, kept: Archived, workflow: Workflow) -> dict[str, int]:
    """The sizes in bytes of the workflow's files that the bucket holds, by their names."""
    prefixes = {kept.beginning.prefix, *(("files/",) if kept.beginning.prefix != SHARED else ())}
    there: dict[str, int] = {}
    for prefix in prefixes:
        for page in stack.cloud.s3.get_paginator("list_objects_v2").paginate(Bucket=kept.bucket, Prefix=prefix):
            there |= {entry["Key"]: entry["Size"] for entry in page.get("Contents", ())}
    names = workflow.files(index for process in workflow.processes for index in (*process.ins, *process.outs))
    keys = {name: kept.beginning.key_of(name) for name in names}
    return {name: there[key] for name, key in keys.items() if key in there}
