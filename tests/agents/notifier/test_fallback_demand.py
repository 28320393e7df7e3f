"""Jobs that nobody asks machines for."""

from __future__ import annotations

from hfecs.agents.notifier.fallback_demand import FallbackDemand
from hfecs.agents.notifier.queue import QueueNumbers

WAITING = QueueNumbers(ready=7, in_flight=0, consumers=0)


def test_jobs_that_wait_without_a_worker_count_when_the_patience_is_over() -> None:
    unanswered = FallbackDemand(210.0)

    told = [unanswered.demand(WAITING, now) for now in (0.0, 200.0, 210.0)]

    assert told == [0, 0, 7]


def test_they_count_until_all_are_done_though_workers_have_come() -> None:
    unanswered = FallbackDemand(210.0)
    unanswered.demand(WAITING, 0.0)
    unanswered.demand(WAITING, 210.0)

    working = unanswered.demand(QueueNumbers(ready=0, in_flight=2, consumers=2), 400.0)
    done = unanswered.demand(QueueNumbers(consumers=2), 500.0)
    later = unanswered.demand(WAITING, 510.0)

    assert (working, done, later) == (2, 0, 0)


def test_a_worker_that_takes_jobs_begins_the_patience_anew() -> None:
    unanswered = FallbackDemand(210.0)
    unanswered.demand(WAITING, 0.0)
    unanswered.demand(QueueNumbers(ready=5, in_flight=2, consumers=1), 100.0)

    told = [unanswered.demand(WAITING, now) for now in (150.0, 250.0, 360.0)]

    assert told == [0, 0, 7]
