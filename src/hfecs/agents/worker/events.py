"""The events of a job, with the time that each stage took; and the same events as points for InfluxDB.

The points have the names that the dashboards of HyperFlow know.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from hfecs.agents.common.line_protocol import Point, Value
from hfecs.agents.worker.job import Job
from hfecs.messaging import messages

IDLE = "idle"

STAGES = {"stage_in": "downloading", "execution": "execution", "stage_out": "uploading"}
"""The stages of a job, with their names in the measurements."""

USED = ("user_seconds", "system_seconds", "resident_bytes")
"""What a job's processes used, from the executor's metrics of them."""

Event = dict[str, Any]

Announce = Callable[[dict[str, Any]], None]


class JobEvents:
    """The events of one job; `announce` is called with their bodies."""

    def __init__(self, executor: str, job: Job, announce: Announce) -> None:
        self._executor = executor
        self._job = job
        self._announce = announce
        self.metrics: dict[str, Any] = {}
        self._of_try: dict[str, Any] = {}

    def begin_try(self) -> None:
        """From now on the stages are those of another try."""
        self._of_try = {"started": _now(), "slot": threading.current_thread().name}

    def facts_of_try(self) -> dict[str, Any]:
        """What is recorded of the try that ends now: its times in seconds since 1970, its stages, what it used."""
        return {**self._of_try, "ended": _now()}

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
        began, start = _now(), time.monotonic()
        yield facts
        seconds = self.metrics[name] = round(time.monotonic() - start, 6)
        self._of_try[name] = {"began": began, "seconds": seconds, "bytes": facts.get("bytes", 0)}
        self._of_try |= {key: value for key, value in facts.get("metrics", {}).items() if key in USED}
        self.tell(f"{name}.finished", time=self.metrics[name], **facts)


def _now() -> float:
    return round(time.time(), 3)


@dataclass
class JobTimes:
    """A running job: when it started, and what its stages reported."""

    began: float = field(default_factory=time.monotonic)
    fields: dict[str, Value] = field(default_factory=lambda: {f"{stage}_time": 0.0 for stage in STAGES.values()})


class JobMetrics:
    """Converts the events of one executor's jobs to points: what each thread is doing, and how long it took."""

    def __init__(self, put: Callable[..., object]) -> None:
        self._put = put
        self._jobs: dict[tuple[str, str], JobTimes] = {}

    def take(self, event: Event) -> None:
        """Handle an event; ignore those that are not about a job."""
        if "id" in event:
            self._put(*self._points(event))

    def _points(self, event: Event) -> Iterator[Point]:
        step = event["type"].removeprefix(f"job.{event['id']}.")
        key, tags = (event["id"], event["thread"]), _tags(event)
        stage, _, end = step.partition(".")
        if step == "started":
            self._jobs[key] = JobTimes()
            yield Point("execution_log", tags, {"stage": event["executable"]})
        elif end == "started":
            yield Point("execution_log_sub_stage", tags, {"stage": STAGES[stage]})
        elif end == "finished":
            self._jobs[key].fields |= _of_stage(stage, event)
        elif step == "finished":
            yield Point("execution_log_sub_stage", tags, {"stage": IDLE})
            yield Point("execution_log", tags, {"stage": IDLE})
            yield from self._ended(self._jobs.pop(key), event, tags)

    def _ended(self, job: JobTimes, event: Event, tags: dict[str, str]) -> Iterator[Point]:
        """The job's times; none for a returned job, since another executor runs it again."""
        if not event.get("handed_back"):
            status = event["exit_status"]
            ended = {"runing_time": time.monotonic() - job.began, "exit_status": status, "failed": int(status != 0)}
            yield Point("execution_times", tags, {**job.fields, **ended})


def _of_stage(stage: str, event: Event) -> dict[str, Value]:
    word = STAGES[stage]
    fields: dict[str, Value] = {f"{word}_time": float(event["time"])}
    if "bytes" in event:
        fields[f"{word}_bytes"] = int(event["bytes"])
    used = event.get("metrics", {})
    return fields | {name: float(used[name]) for name in USED if name in used}


def _tags(event: Event) -> dict[str, str]:
    run, job = event["run"], event["id"]
    return {
        "wfid": run,
        "hfId": run,
        "workerId": event["executor"],
        "thread": event["thread"],
        "jobId": job,
        "procId": job.removeprefix(f"{run}-"),
        "name": event["name"],
        "workflow_stage": event["executable"],
    }
