"""A run's record in the formats of other tools: WfFormat 1.6, a Chrome trace, HyperFlow's own logs, and a table.

WfFormat is that of https://github.com/wfcommons/WfFormat, the trace that of chrome://tracing, ui.perfetto.dev and
speedscope; the three files of HyperFlow are those that its log parser and its viewers read.
"""

from __future__ import annotations

import csv
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from io import StringIO
from typing import Any

from hfecs.record import figures
from hfecs.record.model import Job, RunRecord, Try
from hfecs.workflow import Workflow

WFFORMAT_VERSION = "1.6"
_NOT_IN_IDS = re.compile(r"[^0-9a-zA-Z_.#:/-]")

COLUMNS = (
    *("number", "name", "program", "attempt", "ready", "sent", "started", "ended", "exit_status", "why"),
    *("fetch_seconds", "fetched_bytes", "run_seconds", "store_seconds", "stored_bytes"),
    *("user_seconds", "system_seconds", "resident_bytes", "worker", "slot", "machine"),
)


def table(record: RunRecord) -> str:
    """A line for each try, comma-separated, with the names of the columns above; times are seconds since 1970."""
    out = StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for job in record.jobs:
        writer.writerows(_cells(job, one) for one in job.tries)
    return out.getvalue()


def _cells(job: Job, one: Try) -> list[Any]:
    fetch, run, store = one.stage_in, one.execution, one.stage_out
    about = [job.number, job.name, job.program, one.attempt, one.ready, one.sent, one.started, one.ended]
    stages = [fetch and fetch.seconds, fetch and fetch.bytes, run and run.seconds, store and store.seconds]
    used = [store and store.bytes, one.user_seconds, one.system_seconds, one.resident_bytes]
    return [*about, one.exit_status, one.why, *stages, *used, one.worker, one.slot, one.machine]


def trace(record: RunRecord) -> dict[str, Any]:
    """Spans of microseconds since the run began: a process for each machine, a thread for each slot."""
    jobs = {job.number: job for job in record.jobs}
    machines: dict[str, int] = {}
    events: list[dict[str, Any]] = []
    for thread, lane in enumerate(figures.lanes(record), start=1):
        machine = lane.machine or lane.worker
        if machine not in machines:
            machines[machine] = len(machines) + 1
            events.append(_named("process_name", machine, machines[machine], 0))
        where = {"pid": machines[machine], "tid": thread}
        events.append(_named("thread_name", f"{lane.worker} {lane.slot}", **where))
        for one in lane.tries:
            events += _spans(jobs[one.number], one, record.began, where)
    return {"traceEvents": events, "displayTimeUnit": "ms", "otherData": {"run": record.run, **record.facts}}


def _named(what: str, name: str, pid: int, tid: int) -> dict[str, Any]:
    return {"ph": "M", "name": what, "pid": pid, "tid": tid, "args": {"name": name}}


def _spans(job: Job, one: Try, began: float, where: Mapping[str, int]) -> Iterator[dict[str, Any]]:
    """The whole try, and its stages inside of it: spans must nest, though clocks and roundings differ."""
    start, end = _micro(one.started or began, began), _micro(one.ended or began, began)
    about = {"number": job.number, "exit_status": one.exit_status, "arguments": " ".join(job.arguments)}
    yield {"ph": "X", "name": job.name, "cat": job.program, "ts": start, "dur": end - start, **where, "args": about}
    at = start
    for name, stage in (("fetch", one.stage_in), ("run", one.execution), ("store", one.stage_out)):
        if stage:
            first = min(max(_micro(stage.began, began), at), end)
            last = min(first + round(1e6 * stage.seconds), end)
            yield {"ph": "X", "name": name, "cat": "stage", "ts": first, "dur": last - first, **where}
            at = last


def _micro(at: float, began: float) -> int:
    return round(1e6 * (at - began))


def wfformat(record: RunRecord, workflow: Workflow, sizes: Mapping[str, int], version: str) -> dict[str, Any]:
    """The workflow with what each job took; files whose size is not in `sizes` are left out."""
    children: dict[int, list[int]] = defaultdict(list)
    for job in record.jobs:
        for parent in job.parents:
            children[parent].append(job.number)
    names = _Ids()
    known = {name: names.of(name) for name in sizes}
    files = {job.number: _files(workflow, job.number, known) for job in record.jobs}
    used = dict.fromkeys(name for ins, outs in files.values() for name in (*ins, *outs))
    ids = {job.number: _task_id(job) for job in record.jobs}
    tasks = [
        {
            "name": job.program,
            "id": ids[job.number],
            "parents": [ids[parent] for parent in job.parents],
            "children": [ids[child] for child in children[job.number]],
            "inputFiles": [known[name] for name in files[job.number][0]],
            "outputFiles": [known[name] for name in files[job.number][1]],
        }
        for job in record.jobs
    ]
    timed = [job for job in record.jobs if job.last and job.last.seconds]
    execution = {
        "makespanInSeconds": record.makespan,
        "executedAt": _iso(record.began),
        "tasks": [_executed(job, job.last, ids[job.number]) for job in timed if job.last],
        "machines": [{"nodeName": use.machine.id, "system": "linux"} for use in figures.uses(record)],
    }
    listed = [{"id": known[name], "sizeInBytes": sizes[name]} for name in used]
    return {
        "name": record.workflow,
        "description": f"Run {record.run} of hfecs {version}",
        "createdAt": _iso(record.ended),
        "schemaVersion": WFFORMAT_VERSION,
        "runtimeSystem": {"name": "HyperFlow", "version": record.facts.get("engine", "unknown")},
        "workflow": {
            "specification": {"tasks": tasks, "files": listed},
            **({"execution": execution} if timed else {}),
        },
    }


class _Ids:
    """Names as ids that WfFormat allows, each once."""

    def __init__(self) -> None:
        self._given: set[str] = set()

    def of(self, name: str) -> str:
        plain = _NOT_IN_IDS.sub("_", name) or "_"
        chosen, number = plain, 1
        while chosen in self._given:
            number += 1
            chosen = f"{plain}.{number}"
        self._given.add(chosen)
        return chosen


def _files(workflow: Workflow, number: int, known: Mapping[str, str]) -> tuple[list[str], list[str]]:
    process = workflow.processes[number - 1]
    ins, outs = (workflow.files(indices) for indices in (process.ins, process.outs))
    return [name for name in ins if name in known], [name for name in outs if name in known]


def _task_id(job: Job) -> str:
    return f"{_NOT_IN_IDS.sub('_', job.name)}_{job.number:08d}"


def _executed(job: Job, one: Try, name: str) -> dict[str, Any]:
    used, time = one.processor_seconds, one.execution.seconds if one.execution else 0.0
    measured = {
        "avgCPU": 100 * used / time if used is not None and time else None,
        "readBytes": one.stage_in.bytes if one.stage_in else None,
        "writtenBytes": one.stage_out.bytes if one.stage_out else None,
        "memoryInBytes": one.resident_bytes,
        "machines": [one.machine or one.worker] if one.machine or one.worker else None,
    }
    return {
        "id": name,
        "runtimeInSeconds": one.seconds,
        "executedAt": _iso(one.started or 0.0),
        "command": {"program": job.program, "arguments": [word for word in job.arguments if word]},
        "coreCount": 1,
        **{key: value for key, value in measured.items() if value is not None},
    }


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")


def hyperflow(record: RunRecord, workflow: Workflow, sizes: Mapping[str, int]) -> dict[str, str]:
    """The lines of HyperFlow's three files, by their names; each job with its last try."""
    done = [(job, job.last) for job in record.jobs if job.last and job.last.seconds]
    return {
        "job_descriptions.jsonl": _lines(_description(record, workflow, sizes, job, one) for job, one in done),
        "metrics.jsonl": _lines(entry for job, one in done for entry in _metrics(record, job, one)),
        "sys_info.jsonl": _lines(
            {"cpu": {}, "mem": {}, "jobId": _job_id(record, job), "handlerId": one.worker} for job, one in done
        ),
    }


def _lines(entries: Iterable[Mapping[str, Any]]) -> str:
    return "".join(json.dumps(entry) + "\n" for entry in entries)


def _job_id(record: RunRecord, job: Job) -> str:
    return f"{record.run}-{job.number}-1"


def _description(record: RunRecord, workflow: Workflow, sizes: Mapping[str, int], job: Job, one: Try) -> dict[str, Any]:
    ins, outs = _files(workflow, job.number, {name: name for name in sizes})
    return {
        "workflowName": record.workflow,
        "size": len(record.jobs),
        "version": "1.0",
        "hyperflowId": record.run,
        "jobId": _job_id(record, job),
        "nodeName": one.machine or one.worker,
        "name": job.name,
        "executable": job.program,
        "args": list(job.arguments),
        "command": " ".join([job.program, *job.arguments]),
        "inputs": [{"name": name, "size": sizes[name]} for name in ins],
        "outputs": [{"name": name, "size": sizes[name]} for name in outs],
        "execTimeMs": round(1000 * one.seconds),
        "env": {},
    }


def _metrics(record: RunRecord, job: Job, one: Try) -> Iterator[dict[str, Any]]:
    run = one.execution
    begin, end = (run.began, run.began + run.seconds) if run else (one.started or 0.0, one.ended or 0.0)
    times = {"handlerStart": one.started, "jobStart": begin, "jobEnd": end, "handlerEnd": one.ended}
    for event, at in times.items():
        yield {
            "time": datetime.fromtimestamp(at or 0.0, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3],
            "workflowId": record.run,
            "jobId": _job_id(record, job),
            "handlerId": one.worker,
            "name": job.name,
            "parameter": "event",
            "value": event,
        }
