from hfecs.lookahead.forecast import Graph, Machines, Progress, demand
from hfecs.lookahead.job_times import Times
from hfecs.lookahead.planner import Planner
from hfecs.lookahead.sizes import sizes

MACHINES = Machines(slots=2, boot=150.0, most=20)


def jobs_side_by_side(number: int) -> Graph:
    return Graph(["mProject"] * number, [[]] * number)


def seen(seconds: float, program: str = "mProject") -> Times:
    return Times({program: (10, 10 * seconds)})


def before_the_start() -> Progress:
    return Progress(0.0, set(), {})


def test_long_jobs_are_worth_a_slot_each() -> None:
    wanted = demand(jobs_side_by_side(24), before_the_start(), seen(3600), MACHINES)

    assert wanted == 24


def test_short_jobs_are_not_worth_machines_that_boot_longer_than_they_work() -> None:
    wanted = demand(jobs_side_by_side(24), before_the_start(), seen(1), MACHINES)

    assert wanted <= 2


def test_there_is_never_more_demand_than_the_most_machines_serve() -> None:
    assert demand(jobs_side_by_side(1000), before_the_start(), seen(3600), MACHINES) == 40


def test_for_a_thousand_machines_twenty_sizes_are_compared_at_most() -> None:
    compared = sizes(1000)

    assert len(compared) <= 20
    assert (compared[0], compared[-1]) == (1, 1000)
    assert sizes(20) == list(range(1, 21))


def test_a_chain_of_jobs_demands_one_slot() -> None:
    chain = Graph(["mAdd"] * 5, [[], [0], [1], [2], [3]])

    assert demand(chain, before_the_start(), seen(900, "mAdd"), MACHINES) == 1


def test_nothing_left_is_no_demand() -> None:
    done = Progress(500.0, {0, 1, 2}, {})

    assert demand(jobs_side_by_side(3), done, seen(10), MACHINES) == 0


def test_work_that_becomes_ready_within_the_boot_time_is_demanded_before_it_is() -> None:
    wide = Graph(["mConcatFit"] + ["mProject"] * 20, [[]] + [[0]] * 20)
    times = Times({"mConcatFit": (1, 100.0), "mProject": (1, 3600.0)})
    running = Progress(0.0, set(), {0: 0.0}, [0.0])

    assert demand(wide, running, times, MACHINES) == 20


def test_work_that_is_far_off_is_not_demanded_yet() -> None:
    wide = Graph(["mConcatFit"] + ["mProject"] * 20, [[]] + [[0]] * 20)
    times = Times({"mConcatFit": (1, 1000.0), "mProject": (1, 3600.0)})
    running = Progress(0.0, set(), {0: 0.0}, [0.0])

    assert demand(wide, running, times, MACHINES) == 1


def test_a_program_that_was_never_seen_is_expected_to_go_on_for_as_long_as_it_has_run() -> None:
    times = Times()

    assert times.expected({"new"}, {"new": 0.0}) == {"new": 20.0}
    assert times.expected({"new"}, {"new": 400.0}) == {"new": 800.0}


def test_times_are_learnt_from_the_jobs_that_end() -> None:
    times = Times()

    times.learn("mAdd", 100.0)
    times.learn("mAdd", 200.0)

    assert times.expected({"mAdd"}, {"mAdd": 500.0}) == {"mAdd": 150.0}


def test_an_outlook_does_not_order_again_what_is_on_its_way() -> None:
    planner = Planner(jobs_side_by_side(24), MACHINES, seen(3600))

    first = planner.demand(0.0)
    again = planner.demand(60.0)

    assert first == again == 24


def test_an_outlook_asks_for_nothing_once_all_jobs_are_done() -> None:
    planner = Planner(jobs_side_by_side(1), MACHINES, seen(3600))
    planner.started(0, 200.0)

    planner.finished(0, 300.0)

    assert planner.demand(301.0) == 0


def test_more_is_wanted_only_when_a_second_plan_agrees() -> None:
    planner = Planner(jobs_side_by_side(25), MACHINES, seen(1))
    first = planner.demand(0.0)
    planner.started(0, 0.0)
    planner.finished(0, 36_000.0)

    wanted = [planner.demand(now) for now in (36_001.0, 36_002.0)]

    assert first <= 2
    assert wanted == [first, 24]


def test_a_plan_for_more_that_the_next_one_takes_back_is_never_told() -> None:
    times = seen(1)
    planner = Planner(jobs_side_by_side(25), MACHINES, times)
    first = planner.demand(0.0)

    times.learn("mProject", 100_000.0)
    wanted = [planner.demand(1.0)]
    for _ in range(100_000):
        times.learn("mProject", 0.1)
    wanted += [planner.demand(2.0), planner.demand(3.0)]

    assert wanted == [first] * 3


def test_less_is_wanted_at_once() -> None:
    planner = Planner(jobs_side_by_side(24), MACHINES, seen(3600))
    planner.demand(0.0)
    for job in range(22):
        planner.over(job)

    assert planner.demand(1.0) == 2


def test_what_was_ordered_is_asked_for_at_every_later_moment_too() -> None:
    planner = Planner(jobs_side_by_side(24), MACHINES, seen(3600))

    wanted = [planner.demand(now) for now in (0.5, 2.0, 5.0, 9.9, 10.5, 100.0, 200.0)]

    assert wanted == [24] * 7
