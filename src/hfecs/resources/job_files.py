"""The files of a job directory in a bucket: uploads what is not there, several files at a time.

Files are stored by their contents, and each run has a list of its own; see workflow/keys.py.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from hfecs.aws.clients import PART_BYTES
from hfecs.aws.errors import ignoring
from hfecs.parallel import together
from hfecs.provisioning.report import Outcome
from hfecs.provisioning.resource import Existing
from hfecs.provisioning.stack import Stack
from hfecs.workflow.keys import STORE, stored, tags_key

KIND = "job-files"


@dataclass(frozen=True)
class File:
    """A file to upload: its key in the bucket, its path, its size in bytes."""

    key: str
    path: Path
    size: int


def ensure(stack: Stack, name: str, *, bucket: str, files: Mapping[str, Path], run: str) -> int:
    """Upload the files, by names in workdir/ and input/, and the list of the run; return the number of bytes sent."""
    found = _files(files)
    tags = dict(zip(files, together(*[partial(_checksum, file) for file in found]), strict=True))
    present = _present(stack, bucket, STORE)
    wanted = [replace(file, key=stored(file.key, tags[file.key])) for file in found]
    changed = [file for file in wanted if file.key not in present or present[file.key].actual != file.size]
    sent = _send(stack, name, bucket, changed, len(wanted))
    if not stack.plan:
        _list(stack, bucket, tags_key(run), json.dumps(tags, indent=2).encode())
    return sent


def ensure_shared(stack: Stack, name: str, *, bucket: str, files: Mapping[str, Path]) -> int:
    """Upload the files under their own names, as runs without a list of their own have them."""
    present = _present(stack, bucket, "workdir/") | _present(stack, bucket, "input/")
    wanted = _files(files)
    changed = [file for file in wanted if file.key not in present or not _same(file, present[file.key])]
    return _send(stack, name, bucket, changed, len(wanted))


def _send(stack: Stack, name: str, bucket: str, changed: list[File], count: int) -> int:
    total = sum(file.size for file in changed)
    if not stack.plan:
        _upload(stack, bucket, changed, total)
    outcome = Outcome.CREATED if changed else Outcome.UNCHANGED
    stack.report(outcome, KIND, name, bucket, f"{len(changed)} of {count} files, {total / 1e6:.1f} MB")
    return total


def _list(stack: Stack, bucket: str, key: str, content: bytes) -> None:
    """Write the list of a run, unless it is there: the run's start may have been interrupted."""
    with ignoring("NoSuchKey"):
        if stack.cloud.s3.get_object(Bucket=bucket, Key=key)["Body"].read() == content:
            return
    stack.cloud.s3.put_object(Bucket=bucket, Key=key, Body=content, ContentType="application/json")


def in_bucket(stack: Stack, bucket: str) -> dict[str, str]:
    """The entity tags of the uploaded objects in the bucket, by key."""
    return {found.name: found.id for prefix in (STORE, "input/") for found in _objects(stack, bucket, prefix)}


def here(files: Mapping[str, Path]) -> dict[str, Callable[[], str]]:
    """The files by key, each with a function that computes its entity tag in a bucket."""
    return {file.key: partial(_checksum, file) for file in _files(files)}


def _files(files: Mapping[str, Path]) -> list[File]:
    return [File(key, path, path.stat().st_size) for key, path in files.items()]


def _present(stack: Stack, bucket: str, prefix: str) -> dict[str, Existing]:
    return {} if stack.plan else {found.name: found for found in _objects(stack, bucket, prefix)}


def _objects(stack: Stack, bucket: str, prefix: str) -> Iterator[Existing]:
    for page in stack.cloud.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for item in page.get("Contents", []):
            yield Existing(item["Key"], item["ETag"].strip('"'), item["Size"])


def _same(file: File, present: Existing) -> bool:
    """Whether the object equals the file: by size first, then by checksum."""
    return bool(present.actual == file.size and present.id == _checksum(file))


def _checksum(file: File) -> str:
    """S3's entity tag: the MD5 of the file, or of the MD5s of its parts."""
    with file.path.open("rb") as stream:
        parts = [hashlib.md5(part, usedforsecurity=False) for part in iter(lambda: stream.read(PART_BYTES), b"")]
    if file.size < PART_BYTES:
        return parts[0].hexdigest() if parts else hashlib.md5(b"", usedforsecurity=False).hexdigest()
    joined = hashlib.md5(b"".join(part.digest() for part in parts), usedforsecurity=False)
    return f"{joined.hexdigest()}-{len(parts)}"


def _upload(stack: Stack, bucket: str, files: list[File], total: int) -> None:
    progress = _Progress(stack, bucket, total)
    together(*[partial(stack.cloud.upload, file.path, bucket, file.key, progress.add) for file in files])


class _Progress:
    """Sums the bytes of parallel uploads."""

    def __init__(self, stack: Stack, bucket: str, total: int) -> None:
        self._tell: Callable[[int], None] = lambda done: stack.reporter.transferred(f"upload to {bucket}", done, total)
        self._done = 0
        self._adding = threading.Lock()

    def add(self, count: int) -> None:
        """Count bytes that have been sent."""
        with self._adding:
            self._done += count
            self._tell(self._done)
