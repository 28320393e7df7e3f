"""The numbers of the executor's bench as text, beside their goals."""

from __future__ import annotations

from collections import deque
from heapq import heappop, heappush

from executor_cloud import Run

MEBIBYTE = 1024 * 1024


class Verdicts:
    """Prints what was measured; `exit_code` is 1 when a goal was missed."""

    def __init__(self) -> None:
        self.exit_code = 0

    def rate(self, what: str, run: Run, goal: float | None = None) -> None:
        """Jobs a second, from the beginning of the first to the end of the last."""
        rate = len(run.jobs) / (max(_ends(run)) - min(_begins(run)))
        self._line(what, f"{len(run.jobs):>6} jobs", f"{rate:>7.0f} a second", goal, goal is None or rate >= goal)
        shares = ", ".join(f"{part} {1000 * used / len(run.jobs):.2f}" for part, used in run.usage.items())
        total = sum(run.usage.values())
        print(f"  processor time of a job [ms]: {1000 * total / len(run.jobs):.2f} = {shares}")

    def memory(self, before: tuple[int, int], after: tuple[int, int], goal: float) -> None:
        """The executor's resident memory."""
        mebibytes = [number / MEBIBYTE for number in (before[0], after[0], after[1])]
        what = "the executor's memory [MiB]"
        numbers = f"{mebibytes[0]:>6.0f} first", f"{mebibytes[1]:>4.0f} then, {mebibytes[2]:.0f} at most"
        self._line(what, *numbers, goal, mebibytes[2] <= goal)

    def makespan(self, run: Run, slots: int, goal: float) -> None:
        """The time from the first job to the last beside that of the same jobs in an ideal schedule."""
        begin, end = min(_begins(run)), max(_ends(run))
        least = ideal(run, slots)
        ratio = (end - begin) / least
        numbers = f"{len(run.jobs):>6} jobs", f"{end - begin:>6.2f} s, ideal {least:.2f} s, ratio {ratio:.3f}"
        self._line(f"mosaic, {slots} at a time", *numbers, goal, ratio <= goal)
        print(f"  and {begin - run.started:.2f} s until the first job, {run.finished - end:.2f} s after the last")

    def _line(self, what: str, first: str, second: str, goal: float | None, met: bool) -> None:
        verdict = "" if goal is None else f"  goal {goal:g} {'met' if met else 'MISSED'}"
        self.exit_code |= not met
        print(f"{what:<28}{first}  {second}{verdict}", flush=True)


def _begins(run: Run) -> list[float]:
    return [begin for begin, _ in run.jobs.values()]


def _ends(run: Run) -> list[float]:
    return [end for _, end in run.jobs.values()]


def ideal(run: Run, slots: int) -> float:
    """The makespan of a run's jobs, as long as they took, if each began as soon as it was ready and a slot was free."""
    after: dict[int, list[int]] = {job: [] for job in run.before}
    for job, earlier in run.before.items():
        for other in earlier:
            after[other].append(job)
    waits = {job: len(earlier) for job, earlier in run.before.items()}
    ready = deque(job for job, count in waits.items() if not count)
    ends: list[tuple[float, int]] = []
    now = 0.0
    while ready or ends:
        while ready and len(ends) < slots:
            job = ready.popleft()
            begin, end = run.jobs[job]
            heappush(ends, (now + end - begin, job))
        now, job = heappop(ends)
        for later in after[job]:
            waits[later] -= 1
            if not waits[later]:
                ready.append(later)
    return now
