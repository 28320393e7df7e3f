"""The stages of a job: fetch its inputs, run its command, store its outputs; file errors end it with a message.

Files are stored in S3, on a shared file system, or in the directory in which the job runs.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import NamedTemporaryFile, TemporaryDirectory
from types import MappingProxyType
from typing import Protocol

from hfecs.agents.common.object_store import CHANGED, ObjectStore
from hfecs.agents.worker.cache import Cache
from hfecs.agents.worker.cancellation import Cancellation
from hfecs.agents.worker.capabilities import PLAIN, Capabilities
from hfecs.agents.worker.events import JobEvents
from hfecs.agents.worker.job import Job, Options
from hfecs.agents.worker.process import Command, Ended, run, run_in_container
from hfecs.agents.worker.reply import FAILED
from hfecs.errors import AwsFailed, HfecsError, WorkflowFailed
from hfecs.messaging.timeouts import Threads

FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
"""The kernel's codes for a full disk; there may be room again when other jobs have ended."""

LITTLE_BYTES = 1024 * 1024
"""A disk with less free space counts as full."""

MOST_NAMED = 10
"""Maximum number of missing files named in a message."""


class Storage(Protocol):
    """Where files are fetched from before a job and stored after it."""

    def fetch(self, name: str, target: Path) -> int:
        """Fetch a file to `target`; returns its size in bytes."""

    def store(self, source: Path, name: str) -> int:
        """Store the file `source`, whole or not at all; returns its size in bytes."""


class S3Storage:
    """Files are objects in a bucket, under a prefix, or under keys of their own; with a cache, downloads are kept."""

    def __init__(
        self,
        objects: ObjectStore,
        bucket: str,
        prefix: str,
        cache: Cache | None = None,
        keys: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self._keys = keys
        self._cache = cache
        self._objects = objects
        self._bucket = bucket
        self._prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""

    def fetch(self, name: str, target: Path) -> int:
        """Download the object to the file; AwsFailed names the bucket and the key."""
        key = self._keys.get(name, self._prefix + name)
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


def storage_for(
    options: Options, objects: ObjectStore, cache: Cache | None = None, keys: Mapping[str, str] = MappingProxyType({})
) -> Storage | None:
    """The storage of a job whose inputs have these keys; None if it runs where its files are."""
    if options.storage == "s3":
        return S3Storage(objects, options.bucket, options.prefix, cache, keys)
    return SharedStorage(Path(options.workdir)) if options.storage == "nfs" else None


class Stages:
    """Takes jobs through their stages, possibly in several threads in parallel."""

    def __init__(self, objects: ObjectStore, transfers: Threads, capabilities: Capabilities = PLAIN) -> None:
        self._capabilities = capabilities
        self._objects = objects
        self._transfers = transfers

    def pass_through(self, job: Job, events: JobEvents, cancellation: Cancellation) -> Ended:
        """Take a job through all its stages once; a failure of any stage ends it."""
        try:
            with _directory(job) as directory:
                return self._stages(job, directory, events, cancellation)
        except (HfecsError, OSError) as error:
            return _failed(error)

    def _stages(self, job: Job, directory: Path, events: JobEvents, cancellation: Cancellation) -> Ended:
        storage = storage_for(job.options, self._objects, self._capabilities.cache, job.input_keys)
        if storage and job.inputs:
            self._fetch(job, storage, directory, events, cancellation)
        ended = self._execute(job, directory, events, cancellation)
        if ended.exit_status or ended.problem:
            return ended
        problem = _missing(job, directory)
        if problem:
            return Ended(FAILED, ended.stdout, ended.stderr, problem)
        if storage and job.results:
            try:
                self._store(job, storage, directory, events, cancellation)
            except (HfecsError, OSError) as error:
                return replace(_failed(error), stdout=ended.stdout, stderr=ended.stderr)
        return ended

    def _fetch(
        self, job: Job, storage: Storage, directory: Path, events: JobEvents, cancellation: Cancellation
    ) -> None:
        def fetch(name: str) -> int:
            target = directory / name
            target.parent.mkdir(parents=True, exist_ok=True)
            return storage.fetch(name, target)

        with events.stage("stage_in") as facts:
            facts["bytes"] = self._side_by_side(fetch, job.inputs, cancellation)

    def _execute(self, job: Job, directory: Path, events: JobEvents, cancellation: Cancellation) -> Ended:
        if not directory.is_dir():
            raise WorkflowFailed(f"The job's directory {directory} does not exist on the executor.")
        for name in job.outputs:
            (directory / name).parent.mkdir(parents=True, exist_ok=True)
        command = _command(job, directory)
        with events.stage("execution") as facts:
            if job.options.container:
                ended = run_in_container(job.options.container, self._capabilities.containers, command, cancellation)
            else:
                ended = run(command, cancellation)
            facts.update(exit_status=ended.exit_status, metrics=dict(ended.metrics))
        if ended.exit_status and disk_is_full(directory):
            return replace(ended, problem=f"{ended.problem} {disk_full_problem(directory)}")
        return ended

    def _store(
        self, job: Job, storage: Storage, directory: Path, events: JobEvents, cancellation: Cancellation
    ) -> None:
        with events.stage("stage_out") as facts:
            facts["bytes"] = self._side_by_side(
                lambda name: storage.store(directory / name, name), job.results, cancellation
            )

    def _side_by_side(self, transfer: Callable[[str], int], names: Iterable[str], cancellation: Cancellation) -> int:
        """Transfer files in parallel; returns the sum of their bytes. All end before the first error is raised."""

        def unless_cancelled(name: str) -> int:
            if cancellation.is_set():
                raise WorkflowFailed("The job was returned to the queue.")
            return transfer(name)

        futures = [self._transfers.submit(partial(unless_cancelled, name)) for name in names]
        errors = [error for future in futures if (error := future.exception())]
        if errors:
            raise errors[0]
        return sum(future.result() for future in futures)


@contextmanager
def _directory(job: Job) -> Iterator[Path]:
    """The job's directory: its own, deleted afterwards, or the one with its files."""
    if job.options.storage == "local":
        yield Path(job.options.workdir)
        return
    with TemporaryDirectory(prefix="hfecs-job-", ignore_cleanup_errors=True) as directory:
        yield Path(directory)


def _command(job: Job, directory: Path) -> Command:
    return Command(
        words=job.words,
        directory=directory,
        env=job.env,
        program=job.executable,
        stdout=job.stdout,
        stderr=job.stderr,
        timeout=job.options.timeout,
    )


def _missing(job: Job, directory: Path) -> str:
    folders = [name for name in job.results if (directory / name).is_dir()]
    if folders:
        return f"{', '.join(folders[:MOST_NAMED])} of {job.executable} is a folder; name the files in it as outputs."
    missing = [name for name in job.outputs if not (directory / name).exists()]
    if not missing:
        return ""
    others = f" and {len(missing) - MOST_NAMED} more" if len(missing) > MOST_NAMED else ""
    return f"{job.executable} ended with exit code 0 but did not write {', '.join(missing[:MOST_NAMED])}{others}."


def _failed(error: HfecsError | OSError) -> Ended:
    """How a job ends whose files could not be fetched or stored."""
    if isinstance(error, OSError):
        return Ended(FAILED, problem=file_problem(error), lasting=error.errno not in FULL)
    return Ended(FAILED, problem=error.message, lasting=True)


def file_problem(error: OSError) -> str:
    """What happened to which file."""
    name = error.filename2 or error.filename
    of = f" {os.fsdecode(name)}" if isinstance(name, str | bytes) else ""
    if error.errno in FULL:
        return f"The disk of the executor is full: the file{of} could not be written."
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"The executor may not use the job's file{of}: {error.strerror}."
    return f"The executor could not work on the job's files: {error}."


def disk_is_full(directory: Path) -> bool:
    """Whether a directory's disk has hardly any room left, or none for one more file."""
    try:
        disk = os.statvfs(directory)
    except OSError:
        return False
    return disk.f_bavail * disk.f_frsize < LITTLE_BYTES or (disk.f_files > 0 and disk.f_favail == 0)


def disk_full_problem(directory: Path) -> str:
    """The sentence for a program that failed while the disk was full."""
    return f"The disk of {directory} on the executor is full."
