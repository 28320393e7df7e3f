"""How a run ended: the document that stays in the bucket and is sent to those who follow."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hfecs.agents.messages import timestamp

SUCCEEDED = "succeeded"
FAILED = "failed"
STOPPED = "stopped"


@dataclass(frozen=True)
class Records:
    """The files that the engine writes while it runs: a line for each firing, and one for each failed job."""

    journal: Path
    failures: Path

    def done(self) -> int:
        """The number of processes that have fired and succeeded."""
        return sum(entry["1"][0] == "fired" for entry in _lines(self.journal))

    def failed(self) -> list[dict[str, Any]]:
        """The failed jobs, as the engine told them."""
        return list(_lines(self.failures))


def result(run: str, started: str, status: str, jobs: int, records: Records, error: str = "") -> dict[str, Any]:
    """The result of a run that ends now; `error` says what went wrong beside the jobs."""
    numbers = {"jobs": jobs, "done": records.done(), "failed": records.failed()}
    told = {"error": error} if error else {}
    return {"run": run, "status": status, "started": started, "finished": timestamp(), **numbers, **told}


def _lines(path: Path) -> Iterable[Any]:
    """The JSON lines of a file; the last one may have been cut off when the engine was killed."""
    if not path.exists():
        return
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            if line.endswith("\n"):
                yield json.loads(line)
