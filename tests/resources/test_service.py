from __future__ import annotations

import pytest

from hfecs.provisioning.stack import Stack
from hfecs.provisioning.teardown import remove
from hfecs.resources import service
from resources.cases import a_service, cluster, definition
from support import WatchedCloud, again


@pytest.mark.parametrize("running", [0, 3])
def test_the_tasks_of_a_service_that_is_deleted_are_stopped_since_they_may_be_protected(
    stack: Stack, cloud: WatchedCloud, running: int
) -> None:
    cluster(stack)
    definition(stack)
    a_service(0)(stack)
    tasks = [f"arn:aws:ecs:us-east-1:123456789012:task/hfecs-hyperflow-cluster/{number}" for number in range(running)]
    cloud.answer("ListTasks", taskArns=tasks)
    cloud.answer("StopTask", task={})
    cloud.calls.clear()

    remove(again(stack), [[service]])

    changing = cloud.changing()
    assert changing == ["DeleteService", *["StopTask"] * running], "before the deletion, ECS would start others"
    assert sorted(call["task"] for call in cloud.calls_of("StopTask")) == tasks


def test_a_task_that_has_ended_meanwhile_is_no_error(stack: Stack, cloud: WatchedCloud) -> None:
    cluster(stack)
    definition(stack)
    a_service(0)(stack)
    cloud.answer("ListTasks", taskArns=["a-task"])
    cloud.refuse("StopTask", "InvalidParameterException", "The referenced task was not found.")

    remove(again(stack), [[service]])

    assert list(service.survey(stack)) == []
