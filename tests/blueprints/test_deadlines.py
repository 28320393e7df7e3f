"""The dead man's switch: who gets a deadline, who renews it, and how a cluster that switched itself off comes back."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from hfecs.aws.tags import tags_of
from hfecs.blueprints import cluster, monitoring
from hfecs.blueprints import run as run_blueprint
from hfecs.provisioning.deadline import Deadline, moment
from hfecs.provisioning.report import Outcome
from hfecs.provisioning.stack import Stack
from standing import stands
from support import WatchedCloud, add_machine, again, configuration, nothing_changes, stack_of, steps, write_job

GROUP = "hfecs-hyperflow-workers"


def up(stack: Stack, **changes: Any) -> Stack:
    stands(stack, **changes)
    return stack


def machines(stack: Stack) -> dict[str, Any]:
    """The machines outside the group that run, by name."""
    filters: Any = [
        {"Name": "instance-state-name", "Values": ["running"]},
        {"Name": "tag-key", "Values": ["hfecs:name"]},
    ]
    reservations = stack.cloud.ec2.describe_instances(Filters=filters)["Reservations"]
    return {tags_of(one["Tags"])["hfecs:name"]: one for group in reservations for one in group["Instances"]}


def ends(stack: Stack) -> dict[str, str | None]:
    return {name: tags_of(machine["Tags"]).get("hfecs:ends") for name, machine in machines(stack).items()}


def hours_from_now(text: str | None) -> float:
    time = moment(text)
    assert time
    return (time - datetime.now(UTC)) / timedelta(hours=1)


def action(stack: Stack) -> Any:
    (found,) = stack.cloud.autoscaling.describe_scheduled_actions()["ScheduledUpdateGroupActions"]
    return found


def let_pass(stack: Stack, hours: float) -> None:
    """Let what stands have that much less time left."""
    for machine in machines(stack).values():
        left = str(Deadline.after(12 - hours, datetime.now(UTC)))
        tag: Any = [{"Key": "hfecs:ends", "Value": left}]
        stack.cloud.ec2.create_tags(Resources=[machine["InstanceId"]], Tags=tag)
    stack.cloud.autoscaling.put_scheduled_update_group_action(
        AutoScalingGroupName=GROUP,
        ScheduledActionName="hfecs-hyperflow-overdue",
        StartTime=datetime.now(UTC) + timedelta(hours=12 - hours),
        MinSize=0,
        MaxSize=0,
        DesiredCapacity=0,
    )


def switch_off(stack: Stack) -> None:
    """Do what the switch does: no machines in the group, and none outside of it."""
    stack.cloud.autoscaling.update_auto_scaling_group(
        AutoScalingGroupName=GROUP, MinSize=0, MaxSize=0, DesiredCapacity=0
    )
    stack.cloud.ec2.terminate_instances(InstanceIds=[one["InstanceId"] for one in machines(stack).values()])


def run(stack: Stack, folder: Path) -> None:
    add_machine(stack)
    runs, job = stack_of(stack.cloud, stack.state, run_blueprint.STACK), write_job(folder / "job")
    run_blueprint.up(runs, again(stack), configuration(), run=run_blueprint.Run("one", "files-1"), directory=job)


def test_a_cluster_has_twelve_hours_unless_said_otherwise(stack: Stack) -> None:
    cluster.up(stack, configuration())

    assert hours_from_now(ends(stack)["master"]) == pytest.approx(12, abs=0.01)
    assert hours_from_now(str(Deadline(action(stack)["StartTime"]))) == pytest.approx(12, abs=0.01)
    assert action(stack)["AutoScalingGroupName"] == GROUP
    assert [action(stack)[size] for size in ("MinSize", "MaxSize", "DesiredCapacity")] == [0, 0, 0]


def test_the_monitoring_has_its_time_too(stack: Stack) -> None:
    monitoring.up(stack_of(stack.cloud, stack.state, "monitoring"), configuration(cluster__max_hours=2.5))

    assert hours_from_now(ends(stack)["monitoring"]) == pytest.approx(2.5, abs=0.01)


def test_machines_outside_the_group_end_themselves_for_good_and_those_of_the_group_do_not(
    stack: Stack, tmp_path: Path
) -> None:
    up(stack)
    monitoring.up(stack_of(stack.cloud, stack.state, "monitoring"), configuration())
    run(stack, tmp_path)

    for name in ("master", "monitoring", "runner-one"):
        machine = machines(stack)[name]["InstanceId"]
        told = stack.cloud.ec2.describe_instance_attribute(
            InstanceId=machine, Attribute="instanceInitiatedShutdownBehavior"
        )
        assert told["InstanceInitiatedShutdownBehavior"] == {"Value": "terminate"}
        data = stack.cloud.ec2.describe_instance_attribute(InstanceId=machine, Attribute="userData")["UserData"]
        assert "HFECS_DEADLINE_OF=itself\n" in base64.b64decode(data["Value"]).decode()
    answer = stack.cloud.ec2.describe_launch_template_versions(
        LaunchTemplateName="hfecs-hyperflow-worker", Versions=["$Latest"]
    )
    template = answer["LaunchTemplateVersions"][0]["LaunchTemplateData"]
    assert "HFECS_DEADLINE_OF=hyperflow\n" in base64.b64decode(template["UserData"]).decode()


def test_up_soon_after_renews_nothing(stack: Stack, cloud: WatchedCloud) -> None:
    up(stack)
    let_pass(stack, 0.5)

    with nothing_changes(cloud):
        up(again(stack))


def test_up_after_an_hour_renews_machine_and_group_and_says_so(stack: Stack) -> None:
    up(stack)
    let_pass(stack, 1)

    later = up(again(stack))

    changed = {step.kind: step.detail for step in steps(later) if step.outcome is Outcome.CHANGED}
    assert set(changed) == {"deadline", "scheduled-action"}
    assert hours_from_now(ends(stack)["master"]) == pytest.approx(12, abs=0.01)
    assert hours_from_now(str(Deadline(action(stack)["StartTime"]))) == pytest.approx(12, abs=0.01)


def test_a_plan_does_not_speak_of_time_that_has_passed(stack: Stack) -> None:
    up(stack)
    let_pass(stack, 6)

    plan = up(again(stack, plan=True))

    assert {step.outcome for step in steps(plan)} == {Outcome.UNCHANGED}


def test_fewer_hours_are_taken_up_and_planned(stack: Stack, cloud: WatchedCloud) -> None:
    up(stack)

    with nothing_changes(cloud):
        plan = up(again(stack, plan=True), cluster__max_hours=1)
    up(again(stack), cluster__max_hours=1)

    planned = {step.kind for step in steps(plan) if step.outcome is Outcome.CHANGED}
    assert planned == {"deadline", "scheduled-action"}
    assert hours_from_now(ends(stack)["master"]) == pytest.approx(1, abs=0.01)


def test_without_a_limit_nothing_ends_and_an_earlier_limit_is_lifted(stack: Stack, cloud: WatchedCloud) -> None:
    up(stack)

    up(again(stack), cluster__max_hours=0)

    assert ends(stack) == {"master": "never"}
    assert stack.cloud.autoscaling.describe_scheduled_actions()["ScheduledUpdateGroupActions"] == []
    with nothing_changes(cloud):
        up(again(stack), cluster__max_hours=0)


def test_another_limit_replaces_no_machine(stack: Stack) -> None:
    up(stack)
    before = machines(stack)["master"]["InstanceId"]

    up(again(stack), cluster__max_hours=48, cluster__idle_minutes=5)

    assert machines(stack)["master"]["InstanceId"] == before


def test_a_run_renews_all_that_it_needs(stack: Stack, tmp_path: Path) -> None:
    up(stack)
    monitoring.up(stack_of(stack.cloud, stack.state, "monitoring"), configuration())
    let_pass(stack, 11)

    run(stack, tmp_path)

    assert set(ends(stack)) == {"master", "monitoring", "runner-one"}
    assert [hours_from_now(end) for end in ends(stack).values()] == pytest.approx([12, 12, 12], abs=0.01)
    assert hours_from_now(str(Deadline(action(stack)["StartTime"]))) == pytest.approx(12, abs=0.01)


def test_a_run_never_shortens_what_up_has_given(stack: Stack, tmp_path: Path) -> None:
    """The run knows nothing of the options of `up`: 12 hours and 60 minutes are the defaults."""
    up(stack, cluster__max_hours=48, cluster__idle_minutes=300)

    run(stack, tmp_path)

    assert hours_from_now(ends(stack)["master"]) == pytest.approx(48, abs=0.01)
    assert hours_from_now(str(Deadline(action(stack)["StartTime"]))) == pytest.approx(48, abs=0.01)
    assert tags_of(machines(stack)["master"]["Tags"])["hfecs:idle-minutes"] == "300"
    assert hours_from_now(ends(stack)["runner-one"]) == pytest.approx(12, abs=0.01)


def test_a_run_sets_no_end_to_a_cluster_that_has_none(stack: Stack, tmp_path: Path) -> None:
    up(stack, cluster__max_hours=0)

    run(stack, tmp_path)

    assert ends(stack)["master"] == "never"
    assert stack.cloud.autoscaling.describe_scheduled_actions()["ScheduledUpdateGroupActions"] == []


def test_up_brings_a_cluster_back_that_switched_itself_off(stack: Stack, cloud: WatchedCloud) -> None:
    sizes = {"scaling__asg_min": 1, "scaling__asg_max": 4, "scaling__asg_desired": 2}
    up(stack, **sizes)
    before = machines(stack)["master"]["InstanceId"]
    tokens = [call["ClientToken"] for call in cloud.calls_of("RunInstances")]
    ended = {"InstanceId": before, "State": {"Name": "terminated"}, "PrivateIpAddress": "10.0.0.1"}
    switch_off(stack)
    cloud.answer_once("RunInstances", Instances=[ended])

    up(again(stack), **sizes)

    assert machines(stack)["master"]["InstanceId"] != before
    tokens = [call["ClientToken"] for call in cloud.calls_of("RunInstances")]
    assert tokens[0] == tokens[1] != tokens[2]
    (group,) = stack.cloud.autoscaling.describe_auto_scaling_groups()["AutoScalingGroups"]
    assert (group["MinSize"], group["MaxSize"], group["DesiredCapacity"]) == (1, 4, 2)
    with nothing_changes(cloud):
        up(again(stack), **sizes)


def test_a_machine_that_ended_and_is_wanted_otherwise_is_made_anew(stack: Stack, cloud: WatchedCloud) -> None:
    up(stack)
    switch_off(stack)
    (record,) = [record for record in stack.state.records("cluster") if record.kind == "instance"]
    stack.state.record("cluster", type(record)(record.kind, record.name, record.id, "2026-01-01T00:00:00+00:00"))
    cloud.refuse("RunInstances", "IdempotentParameterMismatch", "other parameters")

    up(again(stack), cluster__instance_type="m5.large")

    assert machines(stack)["master"]["InstanceType"] == "m5.large"


def test_destroying_leaves_no_scheduled_action(stack: Stack) -> None:
    up(stack)

    cluster.down(again(stack))

    assert stack.cloud.autoscaling.describe_scheduled_actions()["ScheduledUpdateGroupActions"] == []
