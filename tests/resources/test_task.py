from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from hfecs.errors import AwsFailed, TimedOut
from hfecs.provisioning.stack import Stack
from hfecs.provisioning.state import State
from hfecs.provisioning.teardown import remove
from hfecs.resources import container_instance, task
from resources.cases import cluster, definition
from support import FakeClock, WatchedCloud, add_machine, again, nothing_changes, stack_of


@pytest.fixture
def work(stack: Stack) -> str:
    """A cluster with a task definition; its ARN."""
    cluster(stack)
    return definition(stack)


def no_check() -> None:
    """A machine of which nobody knows anything bad."""


def start(stack: Stack, work: str, name: str = "run-1", check: Callable[[], None] = no_check) -> str:
    return task.ensure(
        stack,
        name,
        definition=work,
        container="worker",
        environment={"RUN_ID": name},
        constraint="attribute:a == b",
        check=check,
    )


def test_a_task_runs_with_its_environment_where_it_is_wanted(stack: Stack, cloud: WatchedCloud, work: str) -> None:
    add_machine(stack)

    start(stack, work)

    (call,) = cloud.calls_of("RunTask")
    (override,) = call["overrides"]["containerOverrides"]
    assert override == {"name": "worker", "environment": [{"name": "RUN_ID", "value": "run-1"}]}
    assert call["placementConstraints"] == [{"type": "memberOf", "expression": "attribute:a == b"}]


def test_a_second_time_starts_no_second_task(stack: Stack, cloud: WatchedCloud, work: str) -> None:
    add_machine(stack)
    first = start(stack, work)

    with nothing_changes(cloud):
        assert start(again(stack), work) == first


def test_a_lost_record_finds_the_task_by_its_tags(stack: Stack, cloud: WatchedCloud, work: str) -> None:
    add_machine(stack)
    first = start(stack, work)
    stack.state.document.path.unlink()

    with nothing_changes(cloud):
        assert start(again(stack, state=State.load(stack.state.document.path)), work) == first


def test_a_machine_that_died_ends_the_wait_for_it_within_seconds(stack: Stack, cloud: WatchedCloud, work: str) -> None:
    """The wait for a machine that never comes lasts 15 minutes."""
    cloud.refuse("RunTask", "InvalidParameterException", "No Container Instances were found in your cluster.", times=99)

    def died() -> None:
        raise AwsFailed("Machine runner-one ended at its launch.")

    with pytest.raises(AwsFailed, match="runner-one ended"):
        start(stack, work, check=died)

    clock = stack.wait.clock
    assert isinstance(clock, FakeClock)
    assert sum(clock.slept) < 15


def test_a_task_waits_for_a_machine_to_join(stack: Stack, cloud: WatchedCloud, work: str) -> None:
    add_machine(stack)
    cloud.refuse("RunTask", "InvalidParameterException", "No Container Instances were found in your cluster.", times=3)

    assert start(stack, work)

    assert len(cloud.calls_of("RunTask")) == 4


def test_a_machine_that_never_joins_ends_the_wait(stack: Stack, cloud: WatchedCloud, work: str) -> None:
    cloud.refuse("RunTask", "InvalidParameterException", "No Container Instances were found.", times=1000)

    with pytest.raises(TimedOut, match="a machine for run-1 to join the cluster"):
        start(stack, work)


def test_another_refusal_is_told_at_once(stack: Stack, cloud: WatchedCloud, work: str) -> None:
    cloud.refuse("RunTask", "InvalidParameterException", "TaskDefinition is inactive")

    with pytest.raises(AwsFailed, match=r"task run-1: AWS answered RunTask .* inactive"):
        start(stack, work)

    assert len(cloud.calls_of("RunTask")) == 1


@pytest.mark.parametrize(
    "reason", ["RESOURCE:MEMORY", "ATTRIBUTE", "AGENT", "MemberOf placement constraint unsatisfied."]
)
def test_a_place_that_is_not_free_yet_is_worth_waiting_for(reason: str) -> None:
    task._check("run-1", [{"reason": reason}])


def test_a_failure_for_good_is_told_with_its_reason() -> None:
    with pytest.raises(AwsFailed, match=r"Task run-1 could not be started: TASK_NOT_VALID\."):
        task._check("run-1", [{"reason": "AGENT"}, {"reason": "TASK_NOT_VALID"}])


def test_a_removal_stops_the_task(stack: Stack, work: str) -> None:
    add_machine(stack)
    arn = start(stack, work)

    remove(again(stack), [[task]])

    assert task.describe(stack, arn)["lastStatus"] == "STOPPED"
    assert list(task.survey(stack)) == []


def test_a_removal_of_a_task_that_is_gone_only_forgets(stack: Stack, cloud: WatchedCloud, work: str) -> None:
    add_machine(stack)
    start(stack, work)
    cloud.refuse("StopTask", "InvalidParameterException", "The referenced task was not found.")

    remove(again(stack), [[task]])

    assert stack.state.records("cluster") == []


def test_a_strangers_task_is_left_alone(stack: Stack, cloud: WatchedCloud, work: str) -> None:
    add_machine(stack)
    start(stack_of(cloud, State.load(stack.state.document.path), "of-a-stranger"), work)

    with nothing_changes(cloud):
        remove(again(stack), [[task]])


def test_a_cluster_that_is_gone_has_no_tasks_and_no_machines(stack: Stack) -> None:
    assert list(task.survey(stack)) == []
    assert list(container_instance.survey(stack)) == []
    assert task.describe(stack, "arn:aws:ecs:us-east-1:1:task/none") is None


def test_a_task_that_nobody_knows_is_not_asked_for(stack: Stack, cloud: WatchedCloud) -> None:
    assert task.describe(stack, "") is None
    assert cloud.calls_of("DescribeTasks") == []


def test_machines_are_taken_out_of_the_cluster(stack: Stack, work: str) -> None:
    arn = add_machine(stack)
    assert [found.id for found in container_instance.survey(stack)] == [arn]

    remove(stack, [[container_instance]])

    assert list(container_instance.survey(stack)) == []


def test_a_machine_that_has_left_the_cluster_is_no_error(stack: Stack, cloud: WatchedCloud, work: str) -> None:
    add_machine(stack)
    cloud.refuse("DeregisterContainerInstance", "InvalidParameterException", "Referenced container instance not found.")

    remove(stack, [[container_instance]])

    assert stack.state.records("cluster") == []


def environment_of(found: Any) -> Any:
    return found.actual["overrides"]["containerOverrides"][0]["environment"]


def test_a_run_is_known_from_its_task_alone(stack: Stack, work: str) -> None:
    add_machine(stack)
    start(stack, work)

    (found,) = task.survey(again(stack))

    assert found.name == "run-1"
    assert environment_of(found) == [{"name": "RUN_ID", "value": "run-1"}]


@pytest.mark.parametrize(
    ("failure", "said"),
    [
        ({"arn": "arn-of-it", "reason": "ACCESS_DENIED", "detail": "denied by a policy"}, "denied by a policy"),
        ({"arn": "arn-of-it", "reason": None}, "arn-of-it"),
        ({}, "no reason given"),
    ],
)
def test_a_failure_is_told_in_the_words_of_ecs_as_far_as_it_has_any(failure: dict[str, str], said: str) -> None:
    with pytest.raises(AwsFailed, match=said):
        task._check("run-1", [failure])
