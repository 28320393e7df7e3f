"""What the jobs of a run printed, read from its bucket, where anybody may have written it."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from hfecs.aws.errors import ignoring
from hfecs.console import harmless
from hfecs.errors import Misused, WorkflowFailed
from hfecs.provisioning.stack import Stack
from hfecs.runs import archive
from hfecs.runs.lookup import remembered
from hfecs.runs.outcome import labelled
from hfecs.workflow.keys import output_key

KEPT_BYTES = (4 * 1024, 64 * 1024)
"""Of each stream of a try so much is kept: if it succeeded, and if it failed."""

NEAR = 3
"""So many similar names are shown."""


class Try(BaseModel):
    """One try of a job; `cut` if there was no room left for its output."""

    job: int
    name: str = ""
    number: int = Field(default=1, validation_alias="try", serialization_alias="try")
    exit_status: int | None = None
    why: str = ""
    ended: str | None = None
    executor: str | None = None
    stdout: str = ""
    stderr: str = ""
    cut: bool = False

    @property
    def has_failed(self) -> bool:
        """Whether it failed."""
        return self.exit_status != 0

    def lines(self) -> Iterator[str]:
        """What it printed, for a terminal, behind a line about it."""
        how = "failed" if self.exit_status is None else f"exit code {self.exit_status}"
        where = f" on {self.executor}" if self.executor else ""
        yield harmless(f"Job {self.name} ({self.job}), try {self.number}: {how}{self._when()}{where}")
        if self.why:
            yield f"  {harmless(self.why)}"
        if self.cut:
            yield "  its output is missing: too much was printed in this run before"
        elif not self.stdout and not self.stderr:
            yield "  printed nothing"
        for stream, text in (("stdout", self.stdout), ("stderr", self.stderr)):
            yield from _lines(stream, text)

    def _when(self) -> str:
        """When it ended, by the clock of this place."""
        with suppress(ValueError, OverflowError):
            return f" at {datetime.fromisoformat(self.ended or '').astimezone():%Y-%m-%d %H:%M:%S}"
        return ""


@dataclass(frozen=True)
class Jobs:
    """What is asked for of a run: a job by its name, number or id, or all; of these all tries, or the failed ones."""

    run: str
    job: str | None
    failed: bool

    def fits(self, one: Try) -> bool:
        """Whether this is one of them."""
        named = self.job is None or self.job in (one.name, str(one.job), f"{self.run}-{one.job}")
        return named and (one.has_failed or not self.failed)


def _lines(stream: str, text: str) -> Iterator[str]:
    size = len(text.encode())
    if any(0 <= kept - size < 4 for kept in KEPT_BYTES):  # a character may have been cut
        yield f"  {stream}: the last {size // 1000} kB"
    yield from labelled(stream, text.rstrip().split("\n") if text.strip() else [])


def find(stack: Stack, name: str | None, bucket: str | None, configured: str | None) -> tuple[str, str]:
    """Name and bucket of a run, or of the last one; `bucket` if one was named, `configured` may be that of others."""
    last = remembered(stack)
    if last and name in (None, last.name) and bucket in (None, last.bucket):
        return last.name, last.bucket
    looked = {place: _runs(stack, place) for place in ([bucket] if bucket else archive.places(stack, configured))}
    found = [(run, place) for place, runs in looked.items() for run in runs if name in (None, run)]
    if found:
        return max(found)
    what = "No run was" if name is None else f"Run {harmless(name) or repr(name)} was not"
    near = get_close_matches(name or "", [run for runs in looked.values() for run in runs], n=NEAR)
    meant = f"did you mean {' or '.join(near)}? " if near else ""
    raise Misused(
        f"{what} found in {', '.join(looked) or 'any bucket of the cluster'}.",
        hint=f"{meant}name the bucket of the run: --bucket NAME",
    )


def _runs(stack: Stack, place: str) -> list[str]:
    with ignoring("NoSuchBucket"):
        pages = stack.cloud.s3.get_paginator("list_objects_v2").paginate(Bucket=place, Prefix="runs/", Delimiter="/")
        return [found["Prefix"].split("/")[1] for page in pages for found in page.get("CommonPrefixes", [])]
    return []


def read(stack: Stack, place: str, wanted: Jobs) -> list[Try]:
    """The tries that are asked for, in the order in which they ended; Misused if the run has no such job."""
    names: dict[int, str] = {}
    tries = []
    for one in _all(stack, place, wanted.run):
        names[one.job] = one.name
        if wanted.fits(one):
            tries.append(one)
    if wanted.job is not None and not tries:
        names |= _named(stack, place, wanted.run)
        _refuse_unknown(wanted, names)
    return tries


def _all(stack: Stack, place: str, run: str) -> Iterator[Try]:
    with ignoring(*archive.ABSENT):
        body: Any = stack.cloud.s3.get_object(Bucket=place, Key=output_key(run))["Body"]
        try:
            with gzip.GzipFile(fileobj=body) as lines:
                yield from (Try.model_validate_json(line) for line in lines)
        except (ValidationError, gzip.BadGzipFile, EOFError, zlib.error):
            raise WorkflowFailed(
                f"What the jobs of run {run} printed cannot be read: s3://{place}/{output_key(run)} is damaged.",
                hint="hfecs logs worker shows the workers' output",
            ) from None


def _named(stack: Stack, place: str, run: str) -> dict[int, str]:
    """The names of all jobs, by number, as the workflow of the run has them."""
    with ignoring(*archive.ABSENT):
        key = f"runs/{run}/workdir/dag.json"
        content = stack.cloud.s3.get_object(Bucket=place, Key=key)["Body"].read()
        try:
            return dict(enumerate((process.name for process in _DAG.validate_json(content).processes), start=1))
        except ValidationError:
            return {}
    return {}


class _Process(BaseModel):
    name: str = ""


class _Dag(BaseModel):
    processes: list[_Process]


_DAG = TypeAdapter(_Dag)


def _refuse_unknown(wanted: Jobs, names: dict[int, str]) -> None:
    """Misused if no job has the name, number or id that is asked for."""
    every = Jobs(wanted.run, wanted.job, failed=False)
    if any(every.fits(Try(job=number, name=name)) for number, name in names.items()):
        return
    near = get_close_matches(wanted.job or "", list(dict.fromkeys(names.values())), n=NEAR, cutoff=0.5)
    meant = f"did you mean {' or '.join(map(harmless, near))}? " if near else ""
    numbers = f"its jobs have the numbers 1 to {max(names)}" if names else "it has none yet, or its bucket is empty"
    raise Misused(f"Run {wanted.run} has no job {harmless(wanted.job or '')}.", hint=f"{meant}{numbers}")
