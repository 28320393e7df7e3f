"""The files of a job directory in a bucket: uploads what changed, several files at a time."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from hfecs.aws.clients import PART_BYTES
from hfecs.parallel import together
from hfecs.provisioning.report import Outcome
from hfecs.provisioning.resource import Existing
from hfecs.provisioning.stack import Stack

KIND = "job-files"

FOLDERS = ("workdir", "input")


@dataclass(frozen=True)
class File:
    """A file to upload: its key in the bucket, its path, its size in bytes."""

    key: str
    path: Path
    size: int


def ensure(stack: Stack, name: str, *, bucket: str, files: Mapping[str, Path]) -> int:
    """Upload the files, by keys in workdir/ and input/, to the bucket; return the number of bytes sent."""
    wanted = list(_files(files))
    present = {} if stack.plan else {found.name: found for found in _objects(stack, bucket)}
    changed = [file for file in wanted if not _same(file, present.get(file.key))]
    total = sum(file.size for file in changed)
    if not stack.plan:
        _upload(stack, bucket, changed, total)
    outcome = Outcome.CREATED if changed else Outcome.UNCHANGED
    stack.report(outcome, KIND, name, bucket, f"{len(changed)} of {len(wanted)} files, {total / 1e6:.1f} MB")
    return total


def in_bucket(stack: Stack, bucket: str) -> dict[str, str]:
    """The entity tags of the objects in the bucket's workdir/ and input/, by key."""
    return {found.name: found.id for found in _objects(stack, bucket)}


def here(files: Mapping[str, Path]) -> dict[str, Callable[[], str]]:
    """The files by key, each with a function that computes its entity tag in a bucket."""
    return {file.key: partial(_checksum, file) for file in _files(files)}


def _files(files: Mapping[str, Path]) -> Iterator[File]:
    for key, path in sorted(files.items()):
        yield File(key, path, path.stat().st_size)


def _objects(stack: Stack, bucket: str) -> Iterator[Existing]:
    for folder in FOLDERS:
        pages = stack.cloud.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{folder}/")
        for page in pages:
            for item in page.get("Contents", []):
                yield Existing(item["Key"], item["ETag"].strip('"'), item["Size"])


def _same(file: File, present: Existing | None) -> bool:
    """Whether the object equals the file: by size first, then by checksum."""
    return present is not None and present.actual == file.size and present.id == _checksum(file)


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
