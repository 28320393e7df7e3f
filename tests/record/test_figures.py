"""Figures of runs: what set the time, lanes, programs, chains, machines and curves."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as some

from hfecs.record import figures
from hfecs.record.figures import AFTER, BEFORE, EXECUTOR, FETCHING, PROGRAMS, QUEUE, STORING
from hfecs.record.model import Job, Moment, RunRecord, Stage, Try
from record.made import BEGAN, job, machine, one, record, wide


def numbers(tries: object) -> list[int]:
    return [found.number for found in tries]  # type: ignore[attr-defined]


def test_each_job_of_the_chain_waited_for_a_job_or_for_its_slot() -> None:
    """Job 3 waits for its slot, which job 1 has; job 4 for job 3; job 2 keeps nobody waiting."""
    made = record(
        job(1, one(1, 10, 30)),
        job(2, one(2, 10, 15, slot="2")),
        job(3, one(3, 32, 50), parents=[2]),
        job(4, one(4, 51, 90, slot="2"), parents=[3]),
    )

    explained = figures.explanation(made)

    assert numbers(explained.chain) == [1, 3, 4]
    assert explained.for_slot == 1
    assert explained.parts == pytest.approx(
        {BEFORE: 10, FETCHING: 0, PROGRAMS: 20 + 18 + 39, STORING: 0, EXECUTOR: 0, QUEUE: 3, AFTER: 10}
    )


def test_the_stages_of_a_try_and_the_rest_for_its_executor_are_told_apart() -> None:
    stages = {"stage_in": Stage(BEGAN + 10, 2), "execution": Stage(BEGAN + 13, 5), "stage_out": Stage(BEGAN + 18, 1)}
    made = record(job(1, one(1, 10, 20, **stages)), seconds=20)

    parts = figures.explanation(made).parts

    assert (parts[FETCHING], parts[PROGRAMS], parts[STORING], parts[EXECUTOR]) == pytest.approx((2, 5, 1, 2))


def test_a_job_that_was_tried_again_waited_for_its_first_try() -> None:
    failed = one(1, 10, 20, exit_status=1, why="exit code 1")
    made = record(job(1, failed, one(1, 25, 30, slot="2")), seconds=30)

    explained = figures.explanation(made)

    assert list(explained.chain) == list(made.jobs[0].tries)
    assert explained.parts[QUEUE] == pytest.approx(5)


def test_clocks_that_differ_do_not_make_time() -> None:
    """By its machine's clock job 2 began before the job that it waited for had ended."""
    made = record(job(1, one(1, 10, 30)), job(2, one(2, 28, 40, slot="2", worker="v"), parents=[1]), seconds=40)

    assert sum(figures.explanation(made).parts.values()) == pytest.approx(made.makespan)


def test_a_run_without_jobs_has_only_waited() -> None:
    explained = figures.explanation(record(job(1), seconds=7))

    assert explained.parts[BEFORE] == pytest.approx(7)
    assert explained.chain == ()


@given(some.integers(1, 60), some.integers(1, 9), some.integers(0, 10_000))
def test_the_parts_add_up_to_the_makespan_and_the_chain_goes_forward(count: int, slots: int, seed: int) -> None:
    made = wide(count, slots=slots, seed=seed)

    explained = figures.explanation(made)

    assert sum(explained.parts.values()) == pytest.approx(made.makespan)
    assert min(explained.parts.values()) >= 0
    assert max(made.tries, key=lambda found: found.ended or 0) is explained.chain[-1]
    assert all((before.ended or 0) <= (after.started or 0) + 1e-6 for before, after in pairwise(explained.chain))


@given(some.integers(1, 60), some.integers(1, 9), some.integers(0, 10_000))
def test_lanes_have_each_try_once_and_none_over_another(count: int, slots: int, seed: int) -> None:
    made = wide(count, slots=slots, seed=seed)

    found = figures.lanes(made)

    assert sorted(numbers(one for lane in found for one in lane.tries)) == list(range(1, count + 1))
    for lane in found:
        assert all((before.ended or 0) <= (after.started or 0) for before, after in pairwise(lane.tries))
        assert lane.since <= (lane.tries[0].started or 0)
        assert lane.until >= (lane.tries[-1].ended or 0)


def test_slots_of_one_machine_stand_side_by_side_in_the_order_of_the_machines() -> None:
    late, early = {"machine": "i-a", "worker": "a"}, {"machine": "i-b", "worker": "b"}
    made = record(
        job(1, one(1, 20, 30, **early, slot="2")),
        job(2, one(2, 15, 30, **late, slot="1")),
        job(3, one(3, 40, 50, **early, slot="1")),
        machines=[machine("i-b", joined=12, gone=60), machine("i-a", joined=14)],
    )

    found = [(lane.machine, lane.slot, lane.since - BEGAN, lane.until - BEGAN) for lane in figures.lanes(made)]

    assert found == [("i-b", "1", 12, 60), ("i-b", "2", 12, 60), ("i-a", "1", 14, 100)]


def test_programs_are_summed_up() -> None:
    used = {"user_seconds": 1.0, "system_seconds": 0.5}
    tries = [one(number, 10 * number, 10 * number + number, **used, resident_bytes=number) for number in range(1, 5)]
    moved = one(5, 60, 70, stage_in=Stage(BEGAN, 1, 100), stage_out=Stage(BEGAN, 1, 20))
    made = record(*(job(found.number, found) for found in tries), job(5, moved, program="q"))

    first, second = figures.programs(made)

    assert (first.name, first.jobs, first.mean, first.median, first.longest) == ("p", 4, 2.5, 2.5, 4)
    assert (first.most_of_them, first.together, first.share) == pytest.approx((4, 10, 0.5))
    assert first.processor == pytest.approx(6 / 10)
    assert first.resident_bytes == 4
    assert (second.processor, second.resident_bytes, second.fetched, second.stored) == (None, None, 100, 20)


def test_of_a_job_that_was_tried_again_the_last_try_counts_for_its_program() -> None:
    made = record(job(1, one(1, 0, 50, exit_status=1, why="no"), one(1, 60, 61)))

    assert [(found.jobs, found.together) for found in figures.programs(made)] == [(1, 1)]


def test_the_longest_chain_is_that_of_the_most_seconds_and_not_of_the_most_jobs() -> None:
    made = record(
        job(1, one(1, 0, 1)),
        job(2, one(2, 1, 2), parents=[1]),
        job(3, one(3, 2, 3), parents=[2]),
        job(4, one(4, 0, 30, slot="2")),
        job(5, one(5, 31, 33), parents=[3, 4]),
    )

    assert numbers(figures.longest_chain(made)) == [4, 5]


def test_machines_cost_from_their_launch_to_their_end() -> None:
    tries = job(1, one(1, 20, 56, machine="i-1"))
    made = record(tries, seconds=100, machines=[machine("i-1", launched=10, joined=15, gone=46 + 36)])

    (use,) = figures.uses(made)

    assert (use.paid, use.boot, use.used, use.cost) == pytest.approx((72, 5, 36 / (2 * 72), 72 / 3600))
    assert figures.cost(made) == pytest.approx(0.02)


def test_a_machine_of_a_warm_cluster_is_paid_from_the_beginning_of_the_run_and_has_not_booted_for_it() -> None:
    made = record(job(1, one(1, 5, 10, machine="i-1")), machines=[machine("i-1", launched=-500, joined=-400, gone=36)])

    (use,) = figures.uses(made)

    assert (use.paid, use.cost) == pytest.approx((36, 0.01))
    assert use.boot is None


def test_a_machine_of_which_nobody_noted_when_it_joined_had_booted_when_its_first_job_began() -> None:
    unknown = replace(machine("i-1", launched=10, gone=50), joined=None)
    made = record(job(1, one(1, 30, 40, machine="i-1")), machines=[unknown])

    assert figures.uses(made)[0].boot == pytest.approx(20)


def test_a_machine_without_a_price_makes_the_cost_unknown_and_not_less() -> None:
    made = record(machines=[machine("i-1"), machine("i-2", price=None)])

    assert figures.cost(made) is None


def test_machines_that_only_jobs_name_are_listed_too() -> None:
    made = record(job(1, one(1, 0, 1, machine="i-9")), machines=[machine("i-1")])

    assert [(use.machine.id, use.jobs, use.cost is None) for use in figures.uses(made)] == [
        ("i-9", 1, True),
        ("i-1", 0, False),
    ]


def test_the_slowest_jobs_come_first() -> None:
    made = record(job(1, one(1, 0, 5)), job(2, one(2, 0, 50)), job(3), job(4, one(4, 0, 7)))

    assert [found.number for found in figures.slowest(made.jobs, 2)] == [2, 4]


def test_a_try_whose_end_is_not_known_is_in_no_lane() -> None:
    lost = Try(number=1, started=BEGAN + 1, worker="w", slot="1", why="its executor was lost")
    made = RunRecord("r", "w", "failed", BEGAN, BEGAN + 9, [Job(1, "a", "a", tries=[lost])], curve=[Moment(BEGAN)])

    assert figures.lanes(made) == []
    assert figures.explanation(made).parts[BEFORE] == pytest.approx(9)
