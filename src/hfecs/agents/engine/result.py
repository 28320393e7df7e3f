"""How a run ended: the document that stays in the bucket and is sent to those who follow."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hfecs.agents.engine.journal import Journal
from hfecs.workflow import Workflow
from hfecs.workflow.fault import called, shown
from hfecs.workflow.graph import predecessors

SUCCEEDED = "succeeded"
FAILED = "failed"
STOPPED = "stopped"

MOST_NAMED = 5
"""So many processes, and signals of each, are named in a sentence; so many failed jobs in an event."""

BRIEF = ("id", "name", "executable", "exit_status", "attempts", "never_ran")
"""What an event tells of a failed job."""


@dataclass(frozen=True)
class Records:
    """The files that the engine writes while it runs: its journal, and a line for each failed job."""

    journal: Journal
    failures: Path

    def failed(self) -> list[dict[str, Any]]:
        """The jobs that failed in this attempt, as the engine told them."""
        if not self.failures.exists():
            return []
        lines = self.failures.read_text(encoding="utf-8").splitlines(keepends=True)
        return [json.loads(line) for line in lines if line.endswith("\n")]


def tally(workflow: Workflow | None, records: Records) -> dict[str, Any]:
    """What became of the jobs: how many there are, are done and never ran, and which failed.

    Each failed one says how many never ran because of it; a job behind two failed ones counts for both. With
    `fail_fast` jobs count as never run too that waited, or were cut off, when the run ended.
    """
    jobs = len(workflow.processes) if workflow else 0
    done, failed = records.journal.done(), records.failed()
    behind = _behind(workflow) if workflow else {}
    told = [{**job, "never_ran": len(_waiting(behind, _number(job), done))} for job in failed]
    return {"jobs": jobs, "done": len(done), "never_ran": jobs - len(done) - len(failed), "failed": told}


def brief(result: Mapping[str, Any]) -> dict[str, Any]:
    """A result for an event: of the failed jobs the first, without arguments and output, and how many there are."""
    failed = [{key: job[key] for key in BRIEF if key in job} for job in result["failed"][:MOST_NAMED]]
    return {**result, "failed": failed, **({"failed_jobs": len(result["failed"])} if failed else {})}


def unfinished(workflow: Workflow, journal: Journal) -> str:
    """A sentence about the processes that have not run, and the signals that they wait for; nothing if all have."""
    outputs = journal.outputs()
    waiting = [number for number in range(1, len(workflow.processes) + 1) if number not in outputs]
    if not waiting:
        return ""
    sent = _sent(workflow, outputs)
    named = [_waits(workflow, number, sent) for number in waiting[:MOST_NAMED]]
    rest = f"; and {len(waiting) - MOST_NAMED} more" if len(waiting) > MOST_NAMED else ""
    have = "1 process has" if len(waiting) == 1 else f"{len(waiting)} processes have"
    return f"{have} not run: {'; '.join(named)}{rest}"


def _sent(workflow: Workflow, outputs: Mapping[int, set[int] | None]) -> set[int]:
    """The signals that have been sent: at the start, by jobs and functions, and control signals behind these."""
    written = {int(index) for process in workflow.processes for index in process.outs}
    files = {index for index, signal in enumerate(workflow.signals) if not signal.control}
    sent = {index for index, signal in enumerate(workflow.signals) if signal.data} | (files - written)
    for number, signals in outputs.items():
        if signals is not None:
            sent |= signals | {int(index) for index in workflow.processes[number - 1].outs} - files
    return sent


def _waits(workflow: Workflow, number: int, sent: Collection[int]) -> str:
    """Which of its signals nobody has written, or that a process which has all of them did not finish."""
    process = workflow.processes[number - 1]
    missing = [shown(workflow.signals[int(index)].name) for index in process.ins if int(index) not in sent]
    more = f" and {len(missing) - MOST_NAMED} more" if len(missing) > MOST_NAMED else ""
    why = f"waits for {', '.join(missing[:MOST_NAMED])}{more}" if missing else "has its inputs, but did not finish"
    return f"{called(number - 1, process)} {why}"


def _number(failed: Mapping[str, Any]) -> int:
    return int(failed["id"].rpartition("-")[2])


def _behind(workflow: Workflow) -> dict[int, list[int]]:
    """The processes that wait for each process, by numbers from 1."""
    behind: dict[int, list[int]] = {}
    for number, before in predecessors(workflow.processes).items():
        for earlier in before:
            behind.setdefault(earlier + 1, []).append(number + 1)
    return behind


def _waiting(behind: Mapping[int, Collection[int]], failed: int, done: Collection[int]) -> set[int]:
    """All that waits for a failed process, directly or not."""
    waiting: set[int] = set()
    further = list(behind.get(failed, ()))
    while further:
        number = further.pop()
        if number not in waiting:
            waiting.add(number)
            further += behind.get(number, ())
    return waiting.difference(done)
