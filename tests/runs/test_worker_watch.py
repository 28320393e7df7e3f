from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from hfecs.errors import NoWorkers, WorkflowFailed
from hfecs.provisioning.stack import Stack
from hfecs.provisioning.state import State
from hfecs.runs.worker_watch import LOOK_SECONDS, WorkerWatch, given_up
from support import FakeClock, WatchedCloud, configuration, stack_of

QUOTA = "You have requested more vCPU capacity than your current vCPU limit of 5 allows"
SPOT = "There is no Spot capacity available that matches your request."
BOOT = 150


@dataclass
class Vigil:
    """A watch over a run whose time passes only when a test says so, and what it said."""

    cloud: WatchedCloud
    clock: FakeClock
    stack: Stack
    said: list[str] = field(default_factory=list)
    jobs_left: bool = True

    def watch(self, max_wait: float = 0.0) -> WorkerWatch:
        return WorkerWatch(
            self.stack, self.said.append, jobs_left=lambda: self.jobs_left, boot_seconds=BOOT, max_wait=max_wait
        )

    def workers(self, running: int) -> None:
        service = {"serviceName": "hfecs-hyperflow-worker", "status": "ACTIVE", "runningCount": running}
        self.cloud.answer("DescribeServices", services=[{**service, "desiredCount": 1, "pendingCount": 0}])

    def fails(self, said: str) -> None:
        failed: dict[str, Any] = {"StatusCode": "Failed", "StartTime": datetime.now(UTC), "StatusMessage": said}
        activity = failed | {"Description": f"Launching a new EC2 instance.  Status Reason: {said}"}
        self.cloud.answer("DescribeScalingActivities", Activities=[activity])

    def pass_time(self, watch: WorkerWatch, seconds: float) -> None:
        """Let time pass as a follower does: a look each second."""
        for _ in range(int(seconds)):
            self.clock.time += 1
            watch()


@pytest.fixture
def vigil(cloud: WatchedCloud, state: State) -> Vigil:
    clock = FakeClock()
    vigil = Vigil(cloud, clock, stack_of(cloud, state, clock=clock))
    vigil.workers(0)
    return vigil


def test_nothing_is_said_while_machines_may_still_be_booting(vigil: Vigil) -> None:
    vigil.fails(QUOTA)

    vigil.pass_time(vigil.watch(), BOOT + 100)

    assert vigil.said == []


def test_two_minutes_after_the_boot_time_the_reasons_are_said_with_their_hints(vigil: Vigil) -> None:
    vigil.fails(QUOTA)

    vigil.pass_time(vigil.watch(), BOOT + 120 + LOOK_SECONDS)

    assert vigil.said[0].strip() in ("No worker yet after 4 min. AWS says:", "No worker yet after 5 min. AWS says:")
    assert vigil.said[1].strip() == f"worker machines: the account's vCPU quota is used up (AWS: {QUOTA})"
    assert vigil.said[2].strip().startswith("hint: raise the quota")


def test_what_was_said_is_said_again_in_one_line_every_five_minutes(vigil: Vigil) -> None:
    vigil.fails(QUOTA)
    watch = vigil.watch()
    vigil.pass_time(watch, BOOT + 140)
    vigil.said.clear()

    vigil.pass_time(watch, 620)

    assert len(vigil.said) == 2
    assert all("as before: the account's vCPU quota is used up" in line for line in vigil.said)


def test_another_reason_is_said_within_a_minute(vigil: Vigil) -> None:
    vigil.fails(QUOTA)
    watch = vigil.watch()
    vigil.pass_time(watch, BOOT + 140)
    vigil.said.clear()

    vigil.fails(SPOT)
    vigil.pass_time(watch, 80)

    assert vigil.said[0].strip().startswith("Still no worker after")
    assert "no spot machine" in vigil.said[1]


def test_without_a_reason_it_says_where_to_look(vigil: Vigil) -> None:
    vigil.cloud.answer("DescribeServices", services=[{"serviceName": "x", "status": "INACTIVE", "runningCount": 0}])

    vigil.pass_time(vigil.watch(), BOOT + 140)

    assert len(vigil.said) == 1
    assert "AWS names no reason: hfecs status" in vigil.said[0]


def test_a_run_with_workers_or_without_jobs_that_wait_is_left_alone(vigil: Vigil) -> None:
    vigil.fails(QUOTA)
    vigil.workers(1)
    vigil.pass_time(vigil.watch(max_wait=60), 1000)
    vigil.workers(0)
    vigil.jobs_left = False

    vigil.pass_time(vigil.watch(max_wait=60), 1000)

    assert vigil.said == []


def test_a_worker_that_came_and_went_starts_the_time_anew(vigil: Vigil) -> None:
    watch = vigil.watch(max_wait=200)
    vigil.pass_time(watch, 150)
    vigil.workers(1)
    vigil.pass_time(watch, 30)
    vigil.workers(0)

    vigil.pass_time(watch, 150)

    with pytest.raises(NoWorkers):
        vigil.pass_time(watch, 100)


def test_after_its_longest_wait_a_run_is_given_up_with_the_reasons(vigil: Vigil) -> None:
    vigil.fails(QUOTA)

    with pytest.raises(NoWorkers, match=r"it had no worker for (60 s|1 min)") as raised:
        vigil.pass_time(vigil.watch(max_wait=60), 100)

    assert "vCPU quota" in vigil.said[1]
    ending = given_up("one", raised.value)
    assert isinstance(ending, WorkflowFailed)
    assert ending.exit_code == 1
    assert "hfecs run --resume one" in ending.hint


def test_the_limits_are_those_of_the_configuration(vigil: Vigil) -> None:
    config = configuration(run__max_wait=0.5, scaling__boot_seconds=10)

    watch = WorkerWatch.of(vigil.stack, config, vigil.said.append, lambda: True)

    with pytest.raises(NoWorkers):
        vigil.pass_time(watch, 60)


def test_an_aws_that_does_not_answer_for_a_moment_ends_nothing(vigil: Vigil) -> None:
    watch = vigil.watch(max_wait=10)

    vigil.cloud.refuse("DescribeServices", "ServerException", times=1)
    watch()

    assert vigil.said == []
