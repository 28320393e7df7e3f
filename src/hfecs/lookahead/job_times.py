"""Learnt job durations: the mean of each program, and a guess for programs not seen yet."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import quote

PRIOR_SECONDS = 20.0
"""Assumed seconds of a job that can start while its program is unknown."""

LATER_SECONDS = 1.0
"""The same for programs none of whose jobs can start yet: they will be learnt in time."""

MOST_REMEMBERED = 1000
"""Maximum number of jobs that earlier runs count for, so that outdated times fade."""

Seen = dict[str, tuple[int, float]]


def times_key(workflow: str) -> str:
    """Where a bucket keeps a workflow's job times for later runs of the same name."""
    return f"times/{quote(workflow, safe=' ')}.json"


def read_times(text: str) -> Seen:
    """The number of jobs seen and the sum of their seconds, by program; empty if unreadable."""
    try:
        document = json.loads(text)
        seen = {str(program): (int(of["jobs"]), float(of["seconds"])) for program, of in document.items()}
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError):
        return {}
    return {program: told for program, told in seen.items() if told[0] > 0 and 0 <= told[1] < float("inf")}


def written_times(times: Times) -> dict[str, Any]:
    """The same as a document, with no more jobs per program than are worth remembering."""
    document = {}
    for program, (count, total) in sorted(times.known().items()):
        jobs = min(count, MOST_REMEMBERED)
        document[program] = {"jobs": jobs, "seconds": round(total / count * jobs, 3)}
    return document


class Times:
    """Seconds per job of each program: the mean of this run or of `earlier` ones."""

    def __init__(self, earlier: Mapping[str, tuple[int, float]] | None = None) -> None:
        """Start with the number of jobs and the sum of their seconds, by program."""
        self._seen = dict(earlier or {})

    def learn(self, program: str, seconds: float) -> None:
        """Record a finished job."""
        count, total = self._seen.get(program, (0, 0.0))
        self._seen[program] = count + 1, total + seconds

    def known(self) -> dict[str, tuple[int, float]]:
        """The number of jobs seen and the sum of their seconds, by program."""
        return dict(self._seen)

    def expected(self, programs: Collection[str], oldest: Mapping[str, float]) -> dict[str, float]:
        """The expected seconds of a job, by program; `oldest` is how long each active program's oldest job has run.

        A program never seen to finish is expected to take as long again as its oldest job has already run.
        """

        def guess(program: str) -> float:
            return max(PRIOR_SECONDS, 2 * oldest[program]) if program in oldest else LATER_SECONDS

        means = {program: total / count for program, (count, total) in self._seen.items()}
        return {program: means.get(program) or guess(program) for program in programs}
