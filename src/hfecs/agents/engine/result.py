"""How a run ended: the document that stays in the bucket and is sent to those who follow."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hfecs.agents.engine.journal import Journal
from hfecs.workflow import Workflow
from hfecs.workflow.graph import predecessors

SUCCEEDED = "succeeded"
FAILED = "failed"
STOPPED = "stopped"


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
