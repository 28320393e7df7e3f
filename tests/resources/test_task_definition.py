from __future__ import annotations

from hfecs.provisioning.stack import Stack
from hfecs.resources import task_definition
from resources.cases import task
from support import again


def test_a_change_registers_one_revision_more(stack: Stack) -> None:
    first = task_definition.ensure(stack, "worker", definition=task())

    second = task_definition.ensure(again(stack), "worker", definition=task(memoryReservation=128))

    assert [arn.rpartition("/")[2] for arn in (first, second)] == [
        "hfecs-hyperflow-worker:1",
        "hfecs-hyperflow-worker:2",
    ]


def test_a_removal_takes_every_revision(stack: Stack) -> None:
    task_definition.ensure(stack, "worker", definition=task())
    task_definition.ensure(again(stack), "worker", definition=task(memoryReservation=128))

    task_definition.teardown(stack, stack.state.records("cluster")[0])

    assert stack.cloud.ecs.list_task_definitions(status="ACTIVE")["taskDefinitionArns"] == []


def test_a_recorded_revision_without_tags_is_shown_beside_a_later_one_of_a_stranger(stack: Stack) -> None:
    recorded = task_definition.ensure(stack, "worker", definition=task())
    stack.cloud.ecs.untag_resource(resourceArn=recorded, tagKeys=["hfecs:cluster", "hfecs:stack", "hfecs:name"])
    stack.cloud.ecs.register_task_definition(family=stack.full_name("worker"), **task())

    (found,) = task_definition.survey(again(stack))

    assert (found.id, found.ours) == (recorded, False)
