import pytest
from replay_cloud import Settings
from replay_policies import backlog, fixed, lookahead, original
from replay_random import levels
from replay_run import Policy, Replay, Result
from replay_trace import TRACES, Trace, from_jobs, ideal_seconds, longest_path, read

from hfecs.lookahead.forecast import Graph

SETTINGS = Settings()


def side_by_side(jobs: int, seconds: float) -> Trace:
    return Trace("side by side", Graph(["mProject"] * jobs, [[]] * jobs), (seconds,) * jobs)


def replay(trace: Trace, policy: Policy, settings: Settings = SETTINGS) -> Result:
    return Replay(trace, policy, settings, phase=5.0, earlier=trace).run()


def test_a_fixed_cluster_boots_works_and_is_paid_until_the_last_job_ends() -> None:
    result = replay(side_by_side(4, 100.0), fixed(2))

    assert result.makespan == 150 + 100
    assert result.hours == pytest.approx(2 * 250 / 3600)
    assert result.utilisation == pytest.approx(400 / (2 * 250 * 2))


@pytest.mark.parametrize(("machines", "product"), [(4, 113.4), (20, 217.8)])
def test_hours_times_seconds_of_fixed_clusters_are_those_of_the_issue(machines: int, product: float) -> None:
    result = replay(read(TRACES / "montage-2mass-025d.json.gz"), fixed(machines))

    assert result.hours_times_seconds == pytest.approx(product, abs=0.05)


def test_the_originals_policy_never_sees_the_jobs_of_a_small_workflow() -> None:
    result = replay(read(TRACES / "montage-2mass-025d.json.gz"), original())

    assert result.peak == 1


def test_machines_for_the_backlog_come_after_the_alarm_and_go_after_the_work() -> None:
    result = replay(side_by_side(8, 600.0), backlog(SETTINGS))

    assert result.peak == 4
    assert result.makespan == 5 + 150 + 600  # the alarm looks five seconds after the start
    assert result.hours < result.hours_until_gone < result.hours + 4 * 90 / 3600


def test_looking_ahead_starts_no_machine_for_work_that_is_done_before_it_boots() -> None:
    trace = side_by_side(40, 2.0)

    ahead, behind = replay(trace, lookahead(SETTINGS)), replay(trace, backlog(SETTINGS))

    assert (ahead.peak, behind.peak) == (1, 20)


def test_a_machine_with_a_job_is_not_ended_when_fewer_are_wanted() -> None:
    long = [job(0) | {"program": "long", "seconds": 2000.0}]
    trace = from_jobs("uneven", [*long, *(job(number) | {"seconds": 100.0} for number in range(1, 6))])

    result = replay(trace, backlog(SETTINGS))

    assert result.makespan == 5 + 150 + 2000
    assert 2150 < result.hours * 3600 < 2150 + 2 * 340  # the two others go within a minute and a half


def test_looking_ahead_is_at_or_below_the_best_fixed_cluster_on_long_jobs() -> None:
    trace = read(TRACES / "montage-dss-10d.json.gz")

    ahead = replay(trace, lookahead(SETTINGS)).hours_times_seconds

    assert ahead <= min(replay(trace, fixed(number)).hours_times_seconds for number in (8, 12, 16, 20))


def test_a_workflow_is_no_faster_than_its_longest_path() -> None:
    chain = from_jobs("chain", [job(0), job(1, 0), job(2, 1)])

    assert longest_path(chain) == ideal_seconds(chain, 1) == 30


def test_another_day_takes_other_times_but_the_same_each_time() -> None:
    trace = levels("by chance", 50, seed=1)

    assert trace.earlier_run(1) == trace.earlier_run(1) != trace.earlier_run(2)


def job(number: int, *parents: int) -> dict[str, object]:
    return {"id": number, "program": "mAdd", "seconds": 10.0, "parents": parents}
