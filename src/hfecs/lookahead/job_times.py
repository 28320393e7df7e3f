"""What is learnt of how long jobs take: the mean of each program, and a guess for those that nobody has seen."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import quote

PRIOR_SECONDS = 20.0
"""What a job that can start is taken to last while nothing is known of its program."""

LATER_SECONDS = 1.0
"""The same for programs none of whose jobs can start yet: their turn to be learnt will come."""

MOST_REMEMBERED = 1000
"""Jobs of a program that earlier runs count for: more would keep times that are no longer true."""

Seen = dict[str, tuple[int, float]]


def times_key(workflow: str) -> str:
    """Where a bucket keeps the times of a workflow's jobs for later runs of the same name."""
    return f"times/{quote(workflow, safe=' ')}.json"


def read_times(text: str) -> Seen:
    """The number of jobs seen and the sum of their seconds, by program; nothing of what cannot be read."""
    try:
        document = json.loads(text)
        seen = {str(program): (int(of["jobs"]), float(of["seconds"])) for program, of in document.items()}
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError):
        return {}
    return {program: told for program, told in seen.items() if told[0] > 0 and 0 <= told[1] < float("inf")}


def written_times(times: Times) -> dict[str, Any]:
    """The same as a document, each program with no more jobs than are worth remembering."""
    document = {}
    for program, (count, total) in sorted(times.known().items()):
        jobs = min(count, MOST_REMEMBERED)
        document[program] = {"jobs": jobs, "seconds": round(total / count * jobs, 3)}
    return document


class Times:
    """Seconds that the jobs of each program take: the mean of what was seen, in this run or in `earlier` ones."""

    def __init__(self, earlier: Mapping[str, tuple[int, float]] | None = None) -> None:
        """Begin with the number of jobs and the sum of their seconds, by program."""
        self._seen = dict(earlier or {})

    def learn(self, program: str, seconds: float) -> None:
        """Take a finished job into account."""
        count, total = self._seen.get(program, (0, 0.0))
        self._seen[program] = count + 1, total + seconds

    def known(self) -> dict[str, tuple[int, float]]:
        """The number of jobs seen and the sum of their seconds, by program."""
        return dict(self._seen)

    def expected(self, programs: Collection[str], oldest: Mapping[str, float]) -> dict[str, float]:
        """The seconds expected of a job, by program; `oldest` has those whose jobs run or can start, and how long.

        A program that was never seen to end is expected to go on for as long as its oldest job has run already.
        """

        def guess(program: str) -> float:
            return max(PRIOR_SECONDS, 2 * oldest[program]) if program in oldest else LATER_SECONDS

        means = {program: total / count for program, (count, total) in self._seen.items()}
        return {program: means.get(program) or guess(program) for program in programs}
