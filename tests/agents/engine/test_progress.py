"""The outlook of a run, told by events and by the journal."""

from __future__ import annotations

from typing import Any

from hfecs.agents.engine.demand import Ended, RunProgress
from hfecs.lookahead.forecast import Graph, Machines
from hfecs.lookahead.graph import RunGraph
from hfecs.lookahead.job_times import Times
from hfecs.lookahead.planner import Planner

NOTHING = Ended((), ())


class Run:
    """A run of two long jobs and one that waits for the second, numbered 1 to 3."""

    def __init__(self) -> None:
        self.now = 0.0
        self.times = Times({"long": (10, 36_000.0), "last": (10, 36_000.0)})
        graph = RunGraph(Graph(["long", "long", "last"], [[], [], [1]]), {1: 0, 2: 1, 3: 2})
        outlook = Planner(graph.graph, Machines(1, 150.0, 20), self.times)
        self.view = RunProgress("one", graph, outlook, lambda: self.now)

    def hears(self, job: str, step: str, at: float, **facts: Any) -> None:
        self.now = at
        self.view.heard({"id": job, "type": f"job.{job}.{step}", **facts})


def test_both_jobs_that_can_start_are_worth_a_slot() -> None:
    assert Run().view.demand(NOTHING) == 2


def test_what_was_heard_to_end_is_wanted_no_more_and_teaches_its_time() -> None:
    run = Run()

    run.hears("one-1", "started", 10.0)
    run.hears("one-1", "finished", 110.0, exit_status=0)

    assert run.view.demand(NOTHING) == 1
    assert run.times.known()["long"] == (11, 36_100.0)


def test_the_jobs_of_another_run_are_none_of_ours() -> None:
    run = Run()

    for job in ("two-1", "one-x", "", "one-17", "one-01", "one-" + "1" * 5_000):
        run.hears(job, "started", 10.0)
        run.hears(job, "finished", 20.0, exit_status=0)

    assert run.view.demand(NOTHING) == 2


def test_a_job_that_was_handed_back_is_to_be_done_yet() -> None:
    run = Run()

    run.hears("one-1", "started", 10.0)
    run.hears("one-1", "finished", 20.0, exit_status=0, handed_back=True)

    assert run.view.demand(NOTHING) == 2
    assert run.times.known()["long"][0] == 10


def test_a_failed_job_takes_along_what_cannot_run_without_it() -> None:
    run = Run()
    run.hears("one-1", "started", 10.0)
    run.hears("one-1", "finished", 20.0, exit_status=0)
    run.hears("one-2", "finished", 30.0, exit_status=1)

    assert run.view.demand(NOTHING) == 1
    assert run.view.demand(Ended(done={1}, failed={2})) == 0


def test_an_end_that_was_not_heard_stands_in_the_journal() -> None:
    run = Run()
    run.hears("one-1", "started", 10.0)

    assert run.view.demand(Ended(done={1, 2, 3}, failed=())) == 0
    assert run.times.known()["long"][0] == 10
