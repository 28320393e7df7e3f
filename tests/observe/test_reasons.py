from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hfecs.aws.errors import HINTS
from hfecs.observe.reasons import failure_of, reasons
from hfecs.observe.status import overview
from hfecs.provisioning.stack import Stack
from standing import stands
from support import WatchedCloud, again, nothing_changes, stack_of

NO_VCPU = "You have requested more vCPU capacity than your current vCPU limit of 5 allows"
NO_KEY = "Client.InternalError: Client error on launch"
NO_IMAGE = "CannotPullContainerError: Error response from daemon: manifest for w:9 not found: manifest unknown"
WORKER, RUNNER = "service:hfecs-hyperflow-worker", "family:hfecs-hyperflow-runner"


@pytest.fixture
def standing(stack: Stack) -> Stack:
    """A cluster that stands."""
    stands(stack, scaling__asg_desired=1)
    return again(stack)


def ago(**time: float) -> datetime:
    return datetime.now(UTC) - timedelta(**time)


def launch(status: str, said: str = "", when: datetime | None = None) -> dict[str, Any]:
    """A launch of the group as DescribeScalingActivities tells it."""
    told = {"StatusMessage": f"{said} Launching EC2 instance failed."} if said else {}
    reason = f".  Status Reason: {told['StatusMessage']}" if said else ": i-1"
    return {
        "Description": f"Launching a new EC2 instance{reason}",
        "StatusCode": status,
        "StartTime": when or ago(minutes=1),
        **told,
    }


def task(group: str = WORKER, *, when: datetime | None = None, **fields: Any) -> dict[str, Any]:
    """A stopped task as DescribeTasks tells it."""
    return {"group": group, "lastStatus": "STOPPED", "stoppedAt": when or ago(minutes=3), "containers": [], **fields}


NOT_PULLED: dict[str, Any] = {"stopCode": "TaskFailedToStart", "stoppedReason": NO_IMAGE}


def service(**fields: Any) -> dict[str, Any]:
    """The service of the workers: one task too few."""
    counts = {"runningCount": 0, "desiredCount": 1, "pendingCount": 0}
    return {"serviceName": WORKER.removeprefix("service:"), "status": "ACTIVE", **counts, **fields}


def told(stack: Stack) -> list[tuple[str, str]]:
    return [(reason.what, reason.said) for reason in reasons(stack)]


def stops(cloud: WatchedCloud, *tasks: dict[str, Any], of: dict[str, Any] | None = None) -> None:
    """Let ECS know these stopped tasks, and this service."""
    cloud.answer_once("ListTasks", taskArns=[f"task/{number}" for number in range(len(tasks))])
    cloud.answer_once("DescribeTasks", tasks=list(tasks))
    cloud.answer("DescribeServices", services=[of or service()])


def test_of_a_cluster_that_is_well_nothing_is_said(standing: Stack, cloud: WatchedCloud) -> None:
    cloud.answer("DescribeServices", services=[service(runningCount=1)])

    with nothing_changes(cloud):
        assert reasons(standing) == []


def test_of_a_cluster_that_is_not_there_nothing_is_said(stack: Stack) -> None:
    assert reasons(stack) == []


def test_a_launch_that_failed_is_told_with_a_sentence_a_hint_and_the_words_of_aws(
    standing: Stack, cloud: WatchedCloud
) -> None:
    cloud.answer("DescribeScalingActivities", Activities=[launch("Failed", NO_VCPU), launch("Failed", NO_VCPU)])

    (reason,) = [one for one in reasons(standing) if one.what == "worker machines"]

    assert reason.lines() == [
        f"worker machines: the account's vCPU quota is used up (AWS: {NO_VCPU})",
        f"  hint: {HINTS['VcpuLimitExceeded']}",
    ]


def test_a_launch_that_failed_before_one_that_succeeded_is_over(standing: Stack, cloud: WatchedCloud) -> None:
    cloud.answer("DescribeScalingActivities", Activities=[launch("Successful"), launch("Failed", NO_VCPU)])

    assert [what for what, _ in told(standing) if what == "worker machines"] == []


def test_a_termination_that_succeeded_says_nothing_of_launches(standing: Stack, cloud: WatchedCloud) -> None:
    gone = {"Description": "Terminating EC2 instance: i-2", "StatusCode": "Successful", "StartTime": ago(seconds=5)}
    cloud.answer("DescribeScalingActivities", Activities=[gone, launch("Cancelled", NO_KEY)])

    assert ("worker machines", NO_KEY) in told(standing)


def test_launches_that_failed_long_ago_are_forgotten(standing: Stack, cloud: WatchedCloud) -> None:
    cloud.answer("DescribeScalingActivities", Activities=[launch("Failed", NO_VCPU, ago(hours=7))])

    assert ("worker machines", NO_VCPU) not in told(standing)


def test_a_reason_that_nobody_knows_is_told_in_the_words_of_aws(standing: Stack, cloud: WatchedCloud) -> None:
    cloud.answer("DescribeScalingActivities", Activities=[launch("Failed", "Mercury is in retrograde.")])

    (reason,) = [one for one in reasons(standing) if one.what == "worker machines"]

    assert reason.lines() == ["worker machines: Mercury is in retrograde"]


def machine(name: str, state: str, code: str = "", said: str = "", hour: int = 1) -> dict[str, Any]:
    """A machine as DescribeInstances tells it."""
    return {
        "InstanceId": f"i-{name}-{hour}",
        "InstanceType": "t2.micro",
        "State": {"Name": state},
        "StateReason": {"Code": code, "Message": said},
        "LaunchTime": datetime(2026, 1, 1, hour, tzinfo=UTC),
        "Tags": [{"Key": "hfecs:name", "Value": name}],
    }


def test_a_machine_that_died_at_its_launch_is_told_with_its_reason(standing: Stack, cloud: WatchedCloud) -> None:
    dead = machine("master", "terminated", "Client.InternalError", NO_KEY)
    full = machine(
        "runner-x", "terminated", "Server.InternalError", "Client.VolumeLimitExceeded: Volume limit exceeded"
    )
    cloud.answer("DescribeInstances", Reservations=[{"Instances": [dead, full]}])

    sentences = [reason.text() for reason in reasons(standing) if reason.what.startswith("machine ")]

    assert sentences[0].startswith("machine master (i-master-1): the machine's disk is encrypted with a key")
    assert sentences[1].startswith("machine runner-x (i-runner-x-1): the account's quota of disks is used up")


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("Client.UserInitiatedShutdown", "Client.UserInitiatedShutdown: User initiated shutdown"),
        ("Client.InstanceInitiatedShutdown", "Client.InstanceInitiatedShutdown: Instance initiated shutdown"),
        ("Server.SpotInstanceTermination", "Server.SpotInstanceTermination: Instance terminated"),
        ("", ""),
    ],
)
def test_a_machine_that_was_told_to_end_is_no_reason(
    standing: Stack, cloud: WatchedCloud, code: str, said: str
) -> None:
    cloud.answer("DescribeInstances", Reservations=[{"Instances": [machine("master", "terminated", code, said)]}])

    assert [what for what, _ in told(standing) if what.startswith("machine ")] == []


def test_a_machine_that_was_replaced_by_one_that_lives_is_no_reason(standing: Stack, cloud: WatchedCloud) -> None:
    dead, living = machine("master", "terminated", "Client.InternalError", NO_KEY), machine("master", "running", hour=2)
    cloud.answer("DescribeInstances", Reservations=[{"Instances": [living, dead]}])

    assert [what for what, _ in told(standing) if what.startswith("machine ")] == []


def test_the_newest_task_of_a_service_that_did_not_start_is_told(standing: Stack, cloud: WatchedCloud) -> None:
    older = task(stopCode="TaskFailedToStart", stoppedReason="CannotStartContainerError: x", when=ago(minutes=9))
    stops(cloud, task(**NOT_PULLED), older)

    (reason,) = [one for one in reasons(standing) if one.what == "service worker"]

    assert reason.text() == f"service worker: the image or its tag does not exist (AWS: {NO_IMAGE})"
    assert "hfecs images push" in reason.hint


@pytest.mark.parametrize("fields", [{"runningCount": 1}, {"desiredCount": 0}])
def test_a_service_that_has_all_its_tasks_again_has_recovered(
    standing: Stack, cloud: WatchedCloud, fields: dict[str, Any]
) -> None:
    stops(cloud, task(**NOT_PULLED), of=service(**fields))

    assert ("service worker", NO_IMAGE) not in told(standing)


def test_a_service_whose_tasks_fail_again_and_again_is_told_even_while_one_is_running(
    standing: Stack, cloud: WatchedCloud
) -> None:
    stops(cloud, task(**NOT_PULLED, when=ago(seconds=20)), of=service(runningCount=1))

    assert ("service worker", NO_IMAGE) in told(standing)


def test_the_reasons_of_containers_and_their_exit_codes_are_told(standing: Stack, cloud: WatchedCloud) -> None:
    ended: dict[str, Any] = {
        "stopCode": "EssentialContainerExited",
        "stoppedReason": "Essential container in task exited",
    }
    containers = [{"name": "worker", "exitCode": 137, "reason": "OutOfMemoryError: Container killed"}]
    stops(cloud, task(**ended | {"containers": containers}))

    (reason,) = [one for one in reasons(standing) if one.what == "service worker"]

    assert reason.sentence == "it was killed, most likely for lack of memory"
    assert reason.said.endswith("worker: OutOfMemoryError: Container killed; worker: exit code 137")


def test_a_place_that_is_missing_is_told_until_a_task_says_more(standing: Stack, cloud: WatchedCloud) -> None:
    event = {"message": "was unable to place a task. Reason: No Container Instances were found", "createdAt": ago()}
    cloud.answer("DescribeServices", services=[service(events=[event])])

    reason = next(one for one in reasons(standing) if one.what == "service worker")

    assert reason.sentence == "no machine has joined the cluster yet"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (
            {"group": RUNNER, "stopCode": "EssentialContainerExited", "containers": [{"name": "e", "exitCode": 1}]},
            False,
        ),
        (
            {"group": RUNNER, "stopCode": "EssentialContainerExited", "containers": [{"name": "e", "exitCode": 137}]},
            True,
        ),
        ({"group": RUNNER, "stopCode": "TaskFailedToStart", "stoppedReason": NO_IMAGE}, True),
        ({"group": WORKER, "stopCode": "EssentialContainerExited", "containers": [{"name": "w", "exitCode": 1}]}, True),
        (
            {"group": WORKER, "stopCode": "EssentialContainerExited", "containers": [{"name": "w", "exitCode": 0}]},
            False,
        ),
        ({"group": WORKER, "stopCode": "ServiceSchedulerInitiated", "stoppedReason": "Scaling activity"}, False),
        ({"group": WORKER, "stopCode": "TerminationNotice", "stoppedReason": "Host EC2 terminated."}, False),
    ],
)
def test_only_what_did_not_start_or_ended_badly_is_a_failure(fields: dict[str, Any], expected: bool) -> None:
    assert bool(failure_of(fields)) is expected


def test_a_look_that_is_refused_costs_its_reasons_only_and_says_so(standing: Stack, cloud: WatchedCloud) -> None:
    cloud.refuse("DescribeScalingActivities", "AccessDenied", "not authorized")
    stops(cloud, task(**NOT_PULLED))

    found = {reason.what: reason for reason in reasons(standing)}

    assert "could not be asked" in found["worker machines"].said
    assert "iam-policy" in found["worker machines"].hint
    assert found["service worker"].said == NO_IMAGE


def test_credentials_that_aws_refuses_are_an_error_of_the_whole(standing: Stack, cloud: WatchedCloud) -> None:
    cloud.refuse("DescribeScalingActivities", "ExpiredToken", "expired")

    with pytest.raises(Exception, match="ExpiredToken"):
        reasons(standing)


def test_the_status_of_a_cluster_has_the_reasons_too(standing: Stack, cloud: WatchedCloud) -> None:
    cloud.answer("DescribeScalingActivities", Activities=[launch("Failed", NO_VCPU)])

    known = overview(standing, stack_of(standing.cloud, standing.state, "run"))

    told = next(one for one in known.as_dict()["reasons"] if one["what"] == "worker machines")
    assert told["sentence"] == "the account's vCPU quota is used up"
    assert told["said"] == NO_VCPU
    assert told["hint"] == HINTS["VcpuLimitExceeded"]
    assert known.reason_lines()[:2] == [
        "What AWS could not start",
        f"worker machines: the account's vCPU quota is used up (AWS: {NO_VCPU})",
    ]
