"""The numbers of a run that the page's script draws: columns of whole milliseconds, kilobytes and indices."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from hfecs.record import figures
from hfecs.record.model import Job, RunRecord, Try

COLOURS = 12
"""Programs have so many colours, in turn."""

CURVE_POINTS = 1500
ARGUMENT_CHARACTERS = 200
MOST_LANES = 1000
"""With more slots than this, a lane is a machine."""

OK, AGAIN, FAILED = 0, 1, 2
"""How a try ended: well, well but not at the first try, or not well."""


def timeline(record: RunRecord, explained: figures.Explanation) -> dict[str, Any]:
    """The data of the page's script; times are milliseconds since the run began, -1 for one that is not known."""
    lanes = figures.lanes(record)
    grouped = len(lanes) > MOST_LANES
    labels = [(lane.machine or lane.worker) if grouped else lane.worker or lane.machine for lane in lanes]
    places = {label: place for place, label in enumerate(dict.fromkeys(labels))} if grouped else {}
    of_try = {
        id(one): places[labels[number]] if grouped else number
        for number, lane in enumerate(lanes)
        for one in lane.tries
    }
    rows = sorted(record.tries, key=lambda one: (of_try[id(one)], one.started))
    index = {id(one): place for place, one in enumerate(rows)}
    return {
        "span": _ms(record.ended, record),
        "programs": [program.name for program in figures.programs(record)],
        "lanes": _lanes(record, lanes, labels, places),
        "jobs": _columns(record, rows, of_try),
        "chain": [index[id(one)] for one in explained.chain],
        "curves": _curves(record),
    }


def _ms(at: float | None, record: RunRecord) -> int:
    return -1 if at is None else max(0, round(1000 * (at - record.began)))


def _lanes(
    record: RunRecord, lanes: list[figures.Lane], labels: list[str], places: dict[str, int]
) -> list[tuple[str, int, int]]:
    spans = [(_ms(lane.since, record), _ms(lane.until, record)) for lane in lanes]
    if not places:
        return [(label, *span) for label, span in zip(labels, spans, strict=True)]
    together: list[tuple[str, int, int]] = []
    for label in places:
        of_label = [span for span, name in zip(spans, labels, strict=True) if name == label]
        together.append((label, min(since for since, _ in of_label), max(until for _, until in of_label)))
    return together


def _columns(record: RunRecord, rows: list[Try], lane_of: dict[int, int]) -> dict[str, list[Any]]:
    jobs = {job.number: job for job in record.jobs}
    names = {program.name: place for place, program in enumerate(figures.programs(record))}
    lasts = {id(job.last) for job in record.jobs}
    stages = [(one.stage_in, one.execution, one.stage_out) for one in rows]
    return {
        "number": [one.number for one in rows],
        "name": [_name(jobs[one.number]) for one in rows],
        "program": [names.get(jobs[one.number].program, 0) for one in rows],
        "lane": [lane_of[id(one)] for one in rows],
        "ready": [_ms(one.ready, record) for one in rows],
        "start": [_ms(one.started, record) for one in rows],
        "end": [_ms(one.ended, record) for one in rows],
        "fetch": [round(1000 * fetch.seconds) if fetch else 0 for fetch, _, _ in stages],
        "run": [round(1000 * run.seconds) if run else 0 for _, run, _ in stages],
        "store": [round(1000 * store.seconds) if store else 0 for _, _, store in stages],
        "ended": [_ended(jobs[one.number], one, id(one) in lasts) for one in rows],
        "exit": [one.exit_status for one in rows],
        "memory": [-1 if one.resident_bytes is None else one.resident_bytes // 1000 for one in rows],
        "processor": [-1 if (used := one.processor_seconds) is None else round(1000 * used) for one in rows],
        "in": [fetch.bytes // 1000 if fetch else 0 for fetch, _, _ in stages],
        "out": [store.bytes // 1000 if store else 0 for _, _, store in stages],
        "arguments": [" ".join(jobs[one.number].arguments)[:ARGUMENT_CHARACTERS] for one in rows],
    }


def _name(job: Job) -> str | int:
    """A job's name; 0 for one that is called as its program."""
    return 0 if job.name == job.program else job.name


def _ended(job: Job, one: Try, is_last: bool) -> int:
    if not one.has_succeeded:
        return FAILED
    return AGAIN if is_last and len(job.tries) > 1 else OK


def _curves(record: RunRecord) -> list[dict[str, Any]]:
    """Curves as [milliseconds, number]; those of which nothing is known are left out."""
    wanted = [(moment.at, moment.demand) for moment in record.curve if moment.demand is not None]
    drawn = {
        "jobs running": running(record),
        "jobs waiting for a slot": waiting(record),
        "machines paid for": paid_machines(record),
        "slots wanted": wanted,
    }
    found = []
    for name, curve in drawn.items():
        points = thinned(curve, CURVE_POINTS, record.began, record.ended)
        if points:
            found.append({"name": name, "points": [(_ms(at, record), number) for at, number in points]})
    return found


Curve = list[tuple[float, int]]
"""Times in seconds since 1970, and the number from then on."""


def running(record: RunRecord) -> Curve:
    """How many jobs ran."""
    return _steps([(one.started or 0.0, one.ended or 0.0) for one in record.tries])


def waiting(record: RunRecord) -> Curve:
    """How many jobs could have run and waited."""
    spans = [(one.ready, one.started) for one in record.tries if one.ready is not None and one.started is not None]
    return _steps((ready, started) for ready, started in spans if ready < started)


def paid_machines(record: RunRecord) -> Curve:
    """How many machines were paid for."""
    known = [machine for machine in record.machines if machine.launched is not None]
    return _steps(
        [(machine.launched or 0.0, record.ended if machine.gone is None else machine.gone) for machine in known]
    )


def _steps(spans: Iterable[tuple[float, float]]) -> Curve:
    changes: dict[float, int] = defaultdict(int)
    for begin, end in spans:
        changes[begin] += 1
        changes[end] -= 1
    curve, number = [], 0
    for at in sorted(changes):
        number += changes[at]
        curve.append((at, number))
    return curve


def thinned(curve: Curve, most: int, since: float, until: float) -> Curve:
    """At most so many points, the largest number of each stretch, so that peaks stay."""
    if len(curve) <= most:
        return curve
    stretch = (until - since) / most
    kept = []
    times = [at for at, _ in curve]
    for place in range(most):
        low, high = (bisect_left(times, since + stretch * edge) for edge in (place, place + 1))
        if place == most - 1:
            high = len(curve)
        if low < high:
            kept.append((since + stretch * place, max(number for _, number in curve[low:high])))
    if kept:
        kept.append(curve[-1])
    return kept
