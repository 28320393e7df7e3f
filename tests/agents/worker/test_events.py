"""The events of jobs as points of InfluxDB."""

from __future__ import annotations

from typing import Any

from hfecs.agents.common.line_protocol import Point
from hfecs.agents.worker.events import JobMetrics
from hfecs.messaging import messages

JOB = "20260101-120000-abcd-7"


class Kept:
    """Keeps points, where the queue would be."""

    def __init__(self) -> None:
        self.points: list[Point] = []

    def __call__(self, *points: Point) -> None:
        self.points += points

    def of(self, measurement: str) -> list[Point]:
        return [point for point in self.points if point.measurement == measurement]


def told(*steps: tuple[str, dict[str, Any]]) -> Kept:
    """The points that come of these steps of a job."""
    kept = Kept()
    jobs = JobMetrics(kept)
    about = {"id": JOB, "thread": "2", "name": "add", "run": "20260101-120000-abcd", "executable": "mAdd"}
    for step, facts in steps:
        jobs.take(messages.event("worker-1", messages.job_event(JOB, step), **about, **facts))
    return kept


def whole(exit_status: int = 0, **more: Any) -> Kept:
    metrics = {"user_seconds": 1.5, "system_seconds": 0.5, "resident_bytes": 1024}
    return told(
        ("started", {}),
        ("stage_in.started", {}),
        ("stage_in.finished", {"time": 0.25, "bytes": 100}),
        ("execution.started", {}),
        ("execution.finished", {"time": 2.0, "exit_status": exit_status, "metrics": metrics}),
        ("stage_out.started", {}),
        ("stage_out.finished", {"time": 0.75, "bytes": 300}),
        ("finished", {"exit_status": exit_status, **more}),
    )


def test_a_job_leaves_one_point_with_all_its_times_and_bytes() -> None:
    (point,) = whole().of("execution_times")

    fields = dict(point.fields)
    assert isinstance(fields.pop("runing_time"), float)
    assert fields == {
        "downloading_time": 0.25,
        "downloading_bytes": 100,
        "execution_time": 2.0,
        "uploading_time": 0.75,
        "uploading_bytes": 300,
        "user_seconds": 1.5,
        "system_seconds": 0.5,
        "resident_bytes": 1024.0,
        "exit_status": 0,
        "failed": 0,
    }


def test_points_carry_the_tags_that_dashboards_know() -> None:
    (point,) = whole().of("execution_times")

    assert point.tags == {
        "wfid": "20260101-120000-abcd",
        "hfId": "20260101-120000-abcd",
        "workerId": "worker-1",
        "thread": "2",
        "jobId": JOB,
        "procId": "7",
        "name": "add",
        "workflow_stage": "mAdd",
    }


def test_a_thread_is_at_a_program_and_then_idle() -> None:
    assert [point.fields["stage"] for point in whole().of("execution_log")] == ["mAdd", "idle"]


def test_a_thread_goes_through_the_stages_of_its_job() -> None:
    stages = [point.fields["stage"] for point in whole().of("execution_log_sub_stage")]

    assert stages == ["downloading", "execution", "uploading", "idle"]


def test_a_failed_job_counts_as_failed_with_the_stages_that_it_had() -> None:
    (point,) = told(("started", {}), ("finished", {"exit_status": 127})).of("execution_times")

    assert (point.fields["failed"], point.fields["exit_status"], point.fields["execution_time"]) == (1, 127, 0.0)


def test_a_job_that_was_handed_back_is_not_counted() -> None:
    kept = whole(137, handed_back=True)

    assert kept.of("execution_times") == []
    assert kept.of("execution_log")[-1].fields == {"stage": "idle"}


def test_events_of_the_executor_itself_are_no_points() -> None:
    kept = Kept()

    JobMetrics(kept).take(messages.event("worker-1", messages.EXECUTOR_READY))

    assert kept.points == []
