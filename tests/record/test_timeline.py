"""The numbers that the page's script draws."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

from hfecs.record import figures, timeline
from hfecs.record.model import Moment, RunRecord
from hfecs.record.timeline import AGAIN, FAILED, MOST_LANES, OK
from record.made import BEGAN, job, machine, one, record, wide


def drawn(made: RunRecord) -> dict[str, Any]:
    return timeline.timeline(made, figures.explanation(made))


def test_every_column_has_an_entry_for_each_try_by_lanes_and_starts() -> None:
    data = drawn(wide(200))

    columns = data["jobs"]
    assert {len(column) for column in columns.values()} == {200}
    places = list(zip(columns["lane"], columns["start"], strict=True))
    assert places == sorted(places)
    assert max(columns["lane"]) == len(data["lanes"]) - 1 == 3


def test_times_are_milliseconds_since_the_beginning() -> None:
    data = drawn(record(job(1, one(1, 1.5, 4, ready=BEGAN + 0.25)), seconds=10))

    assert (data["span"], data["lanes"]) == (10_000, [("w", 1500, 10_000)])
    assert [data["jobs"][name] for name in ("ready", "start", "end", "run")] == [[250], [1500], [4000], [2500]]


def test_what_was_not_measured_is_not_0() -> None:
    jobs = drawn(record(job(1, one(1, 1, 2, ready=None))))["jobs"]

    assert (jobs["memory"], jobs["processor"], jobs["ready"]) == ([-1], [-1], [-1])


def test_the_chain_points_to_its_tries() -> None:
    made = wide(50)
    data = drawn(made)

    chain = [data["jobs"]["number"][place] for place in data["chain"]]
    assert chain == [found.number for found in figures.explanation(made).chain]
    ends = [data["jobs"]["end"][place] for place in data["chain"]]
    assert all(before <= after for before, after in pairwise(ends))


def test_tries_that_failed_and_jobs_that_were_tried_again_are_marked() -> None:
    failed = one(2, 3, 4, exit_status=1, why="no")
    data = drawn(record(job(1, one(1, 0, 1)), job(2, failed, one(2, 5, 6))))

    assert data["jobs"]["ended"] == [OK, FAILED, AGAIN]


def test_with_very_many_slots_a_lane_is_a_machine() -> None:
    jobs = [
        job(number, one(number, 0, 1, worker=f"w{number // 2}", slot=str(number % 2), machine=f"i-{number // 2}"))
        for number in range(2 * MOST_LANES)
    ]
    data = drawn(record(*jobs, machines=[machine(f"i-{number}") for number in range(MOST_LANES)]))

    assert len(data["lanes"]) == MOST_LANES
    assert sorted({data["jobs"]["lane"].count(lane) for lane in range(MOST_LANES)}) == [2]


def test_curves_of_which_nothing_is_known_are_left_out() -> None:
    bare = record(job(1, one(1, 1, 2, ready=None)))
    full = record(*bare.jobs, machines=[machine("i-1")], curve=[Moment(BEGAN + 1, demand=4), Moment(BEGAN + 2)])

    assert [curve["name"] for curve in drawn(bare)["curves"]] == ["jobs running"]
    assert drawn(full)["curves"][-1] == {"name": "slots wanted", "points": [(1000, 4)]}


def test_long_arguments_are_cut_and_names_that_are_the_programs_are_not_repeated() -> None:
    made = record(job(1, one(1, 0, 1)))
    long = RunRecord(
        "r", "w", "failed", BEGAN, BEGAN + 5, [made.jobs[0].__class__(1, "n", "p", ["x" * 999], (), made.tries)]
    )

    assert len(drawn(long)["jobs"]["arguments"][0]) == 200
    assert (drawn(long)["jobs"]["name"], drawn(made)["jobs"]["name"]) == (["n"], [0])
    assert len(json.dumps(drawn(wide(2000)))) / 2000 < 150


def test_curves_count_what_runs_waits_and_is_paid() -> None:
    waited = {"ready": BEGAN + 5}
    made = record(
        job(1, one(1, 10, 30, **waited)),
        job(2, one(2, 30, 40, **waited)),
        machines=[machine("i-1", launched=2, gone=50)],
    )

    def since(curve: timeline.Curve) -> timeline.Curve:
        return [(at - BEGAN, number) for at, number in curve]

    assert since(timeline.running(made)) == [(10, 1), (30, 1), (40, 0)]
    assert since(timeline.waiting(made)) == [(5, 2), (10, 1), (30, 0)]
    assert since(timeline.paid_machines(made)) == [(2, 1), (50, 0)]


def test_a_thinned_curve_keeps_its_peak_and_its_end() -> None:
    curve = [(float(at), 1000 if at == 7777 else at % 7) for at in range(10_000)]

    thin = timeline.thinned(curve, 100, 0.0, 10_000.0)

    assert len(thin) <= 101
    assert max(number for _, number in thin) == 1000
    assert thin[-1] == curve[-1]
    assert timeline.thinned(curve[:50], 100, 0.0, 50.0) == curve[:50]
