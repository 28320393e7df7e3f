"""The stages of a job: fetch its inputs, run its command, store its outputs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from hfecs.agents.common.object_store import ObjectStore
from hfecs.agents.worker.cancellation import Cancellation
from hfecs.agents.worker.capabilities import PLAIN, Capabilities
from hfecs.agents.worker.container import run_in
from hfecs.agents.worker.disk import FULL, is_full, no_space, sentence
from hfecs.agents.worker.events import JobEvents
from hfecs.agents.worker.job import Job
from hfecs.agents.worker.process import Command, Ended, run
from hfecs.agents.worker.reply import FAILED
from hfecs.agents.worker.storage import Storage, storage_for
from hfecs.errors import HfecsError, WorkflowFailed
from hfecs.messaging.timeouts import Threads

MOST_NAMED = 10
"""Maximum number of missing files named in a message."""


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
        except HfecsError as error:
            return Ended(FAILED, problem=error.message, lasting=True)
        except OSError as error:
            return Ended(FAILED, problem=sentence(error), lasting=error.errno not in FULL)

    def _stages(self, job: Job, directory: Path, events: JobEvents, cancellation: Cancellation) -> Ended:
        storage = storage_for(job.options, self._objects, self._capabilities.cache)
        if storage and job.inputs:
            self._fetch(job, storage, directory, events, cancellation)
        ended = self._execute(job, directory, events, cancellation)
        if ended.exit_status or ended.problem:
            return ended
        problem = _missing(job, directory)
        if problem:
            return Ended(FAILED, ended.stdout, ended.stderr, problem)
        if storage and job.results:
            self._store(job, storage, directory, events, cancellation)
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
                ended = run_in(job.options.container, self._capabilities.containers, command, cancellation)
            else:
                ended = run(command, cancellation)
            facts.update(exit_status=ended.exit_status, metrics=dict(ended.metrics))
        if ended.exit_status and is_full(directory):
            return replace(ended, problem=f"{ended.problem} {no_space(directory)}")
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
