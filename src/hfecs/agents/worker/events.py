"""Report what happens to a job, and how long each part took."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from hfecs.agents.worker.job import Job
from hfecs.messaging import messages

Announce = Callable[[dict[str, Any]], None]


class JobEvents:
    """The events of one job; `announce` is called with their bodies."""

    def __init__(self, executor: str, job: Job, announce: Announce) -> None:
        self._executor = executor
        self._job = job
        self._announce = announce
        self.metrics: dict[str, Any] = {}

    def tell(self, step: str, **facts: Any) -> None:
        """Announce a step of the job."""
        job = self._job
        about = {"id": job.id, "thread": threading.current_thread().name, "name": job.name, "run": job.run}
        kind = messages.job_event(job.id, step)
        self._announce(messages.event(self._executor, kind, **about, executable=job.executable, **facts))

    @contextmanager
    def stage(self, name: str) -> Iterator[dict[str, Any]]:
        """Announce start and end of a stage, the end with the dict's contents; its duration becomes a metric."""
        facts: dict[str, Any] = {}
        self.tell(f"{name}.started")
        start = time.monotonic()
        yield facts
        self.metrics[name] = round(time.monotonic() - start, 6)
        self.tell(f"{name}.finished", time=self.metrics[name], **facts)
