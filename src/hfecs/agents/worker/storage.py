"""Where the files of jobs are stored: in S3, on a shared file system, or in the directory in which the job runs."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Protocol

from hfecs.agents.common.object_store import CHANGED, ObjectStore
from hfecs.agents.worker.cache import Cache
from hfecs.agents.worker.job import Options
from hfecs.errors import AwsFailed, WorkflowFailed


class Storage(Protocol):
    """Where files are fetched from before a job and stored after it."""

    def fetch(self, name: str, target: Path) -> int:
        """Fetch a file to `target`; returns its size in bytes."""

    def store(self, source: Path, name: str) -> int:
        """Store the file `source`, whole or not at all; returns its size in bytes."""


class S3Storage:
    """Files are objects in a bucket, under a prefix; with a cache, downloads are kept."""

    def __init__(self, objects: ObjectStore, bucket: str, prefix: str, cache: Cache | None = None) -> None:
        self._cache = cache
        self._objects = objects
        self._bucket = bucket
        self._prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""

    def fetch(self, name: str, target: Path) -> int:
        """Download the object to the file; AwsFailed names the bucket and the key."""
        key = self._prefix + name
        if self._cache is None:
            return self._objects.download(self._bucket, key, target)
        while True:
            version, size = self._objects.version(self._bucket, key)
            try:
                self._cache.fetch(f"{self._bucket}/{key}/{version}", size, target, partial(self._bring, key, version))
            except AwsFailed as error:
                if error.code == CHANGED:
                    continue
                raise
            return target.stat().st_size

    def _bring(self, key: str, version: str, target: Path) -> None:
        self._objects.download(self._bucket, key, target, version)

    def store(self, source: Path, name: str) -> int:
        """Upload the file."""
        return self._objects.upload(source, self._bucket, self._prefix + name)


class SharedStorage:
    """Files are in a directory shared by all executors; a job works on copies."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def fetch(self, name: str, target: Path) -> int:
        """Copy the file from the shared directory."""
        source = self._directory / name
        if not source.is_file():
            raise WorkflowFailed(f"The input {source} does not exist.")
        shutil.copyfile(source, target)
        return target.stat().st_size

    def store(self, source: Path, name: str) -> int:
        """Copy the file to the shared directory, where it appears once completely written."""
        target = self._directory / name
        target.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=target.parent, prefix=f".{target.name}.", delete=False) as copy:
            unfinished = Path(copy.name)
        try:
            shutil.copyfile(source, unfinished)
            unfinished.chmod(source.stat().st_mode & 0o777)
            unfinished.replace(target)
        except OSError:
            unfinished.unlink(missing_ok=True)
            raise
        return target.stat().st_size


def storage_for(options: Options, objects: ObjectStore, cache: Cache | None = None) -> Storage | None:
    """The storage of a job; None if it runs where its files are."""
    if options.storage == "s3":
        return S3Storage(objects, options.bucket, options.prefix, cache)
    return SharedStorage(Path(options.workdir)) if options.storage == "nfs" else None
