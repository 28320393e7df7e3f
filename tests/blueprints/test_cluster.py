from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from blueprints.leftovers import leftovers
from hfecs.blueprints import cluster
from hfecs.errors import ConfigurationInvalid, HfecsError, Leftovers, NotConfirmed, NotOurs
from hfecs.provisioning.report import Outcome
from hfecs.provisioning.stack import Stack
from hfecs.provisioning.state import State
from hfecs.resources import service_linked_role
from standing import stands
from support import WatchedCloud, again, nothing_changes, outcomes, stack_of, steps

DONE = {Outcome.CREATED, Outcome.CHANGED, Outcome.DELETED, Outcome.FAILED}


def up(stack: Stack, **changes: Any) -> Stack:
    return stands(stack, **changes)


def changed(stack: Stack) -> dict[str, str]:
    return {f"{step.kind} {step.name}": step.detail for step in steps(stack) if step.outcome is Outcome.CHANGED}


def test_a_cluster_is_made_of_all_its_parts(stack: Stack) -> None:
    up(stack)

    made = {f"{step.kind} {step.name}" for step in steps(stack)}
    assert outcomes(stack) == {Outcome.CREATED}
    assert made >= {
        *(f"service-linked-role {name}" for name in ("ecs.amazonaws.com", "autoscaling.amazonaws.com")),
        *(f"role {name}" for name in ("machine", "execution", "master", "worker", "runner")),
        "instance-profile machine",
        "secret-parameter broker-password",
        "log-group logs",
        *(f"security-group {name}" for name in ("members", "broker")),
        "ecs-cluster cluster",
        "launch-template worker",
        "auto-scaling-group workers",
        "instance master",
        *(f"task-definition {name}" for name in ("master", "worker")),
        *(f"service {name}" for name in ("master", "worker")),
        *(f"scaling-policy {name}" for name in ("more", "fewer")),
        *(f"alarm {name}" for name in ("jobs-wait", "no-work")),
    }


def test_a_second_up_makes_no_changing_call(stack: Stack, cloud: WatchedCloud) -> None:
    up(stack)

    with nothing_changes(cloud):
        later = up(again(stack))

    assert outcomes(later) == {Outcome.UNCHANGED}


def test_a_second_up_with_a_lost_state_file_makes_no_changing_call(stack: Stack, cloud: WatchedCloud) -> None:
    up(stack)
    stack.state.document.path.unlink()
    state = State.load(stack.state.document.path)

    with nothing_changes(cloud):
        up(again(stack, state=state))

    assert len(state.of("hyperflow").records("cluster")) == len(stack.state.records("cluster"))


def test_a_plan_before_up_lists_everything_and_changes_nothing(stack: Stack, cloud: WatchedCloud) -> None:
    with nothing_changes(cloud):
        plan = up(again(stack, plan=True))

    assert not stack.state.document.path.exists()
    up(stack)
    listed, made = ({(step.kind, step.name) for step in steps(which)} for which in (plan, stack))
    assert listed == made
    assert outcomes(plan) == {Outcome.CREATED}


def test_a_plan_after_up_has_nothing_to_do(stack: Stack, cloud: WatchedCloud) -> None:
    up(stack)

    with nothing_changes(cloud):
        plan = up(again(stack, plan=True))

    assert outcomes(plan) == {Outcome.UNCHANGED}


def test_another_machine_type_is_asked_for_before_anything_is_changed(stack: Stack, cloud: WatchedCloud) -> None:
    up(stack)

    with nothing_changes(cloud), pytest.raises(NotConfirmed, match="replaces the broker's machine") as refused:
        up(again(stack), cluster__instance_type="m5.large")

    assert "Nothing was changed." in str(refused.value)
    assert refused.value.hint == "answer y, or repeat with --yes"


def test_a_change_that_interrupts_is_made_when_the_answer_is_yes(stack: Stack) -> None:
    up(stack)
    later, questions = again(stack), []
    later.confirm = lambda question: not questions.append(question)  # type: ignore[func-returns-value]

    up(later, cluster__instance_type="m5.large")

    assert "instance master" in changed(later)
    (question,) = questions
    assert "instance master, InstanceType: replaces the broker's machine" in question


def test_another_machine_type_replaces_the_master_with_permission_and_the_others_find_it(stack: Stack) -> None:
    up(stack)
    later = again(stack, may_interrupt=True)

    up(later, cluster__instance_type="m5.large")

    assert {"launch-template worker", "instance master", "task-definition worker", "service worker"} <= set(
        changed(later)
    )


def test_a_plan_of_another_machine_type_changes_nothing_and_names_both(stack: Stack, cloud: WatchedCloud) -> None:
    up(stack)

    with nothing_changes(cloud):
        plan = up(again(stack, plan=True), cluster__instance_type="m5.large")

    assert {"launch-template worker", "instance master"} <= set(changed(plan))


def test_a_new_machine_image_of_aws_is_left_alone_until_the_type_changes(stack: Stack, cloud: WatchedCloud) -> None:
    up(stack)
    cloud.forget()

    up(again(stack))

    assert cloud.calls_of("GetParameter") == []


def test_what_the_autoscalers_decided_stays(stack: Stack) -> None:
    up(stack)
    stack.cloud.autoscaling.set_desired_capacity(AutoScalingGroupName="hfecs-hyperflow-workers", DesiredCapacity=3)
    stack.cloud.ecs.update_service(cluster="hfecs-hyperflow-cluster", service="hfecs-hyperflow-worker", desiredCount=3)

    up(again(stack), scaling__asg_max=9)

    group = stack.cloud.autoscaling.describe_auto_scaling_groups()["AutoScalingGroups"][0]
    assert (group["DesiredCapacity"], group["MaxSize"]) == (3, 9)
    answer = stack.cloud.ecs.describe_services(cluster="hfecs-hyperflow-cluster", services=["hfecs-hyperflow-worker"])
    assert answer["services"][0]["desiredCount"] == 3


def test_another_size_never_asks_aws_for_a_minimum_above_the_maximum(stack: Stack, cloud: WatchedCloud) -> None:
    up(stack, scaling__asg_max=5)
    cloud.forget()

    up(again(stack), scaling__asg_min=10, scaling__asg_desired=10, scaling__asg_max=20)

    (update,) = cloud.calls_of("UpdateAutoScalingGroup")
    assert (update["MinSize"], update["MaxSize"]) == (10, 20)


def test_another_address_of_a_person_opens_the_broker_to_it_and_closes_the_old_one(stack: Stack) -> None:
    up(stack)
    later = again(stack)

    up(later, network__admin_cidrs=["198.51.100.9/32"])

    assert list(changed(later)) == ["security-group broker"]


def test_down_leaves_nothing_but_the_roles_of_the_account_and_a_second_one_has_nothing_to_do(
    stack: Stack, cloud: WatchedCloud
) -> None:
    up(stack)
    assert len(leftovers(cloud)) > 20

    cluster.down(again(stack))
    second = again(stack)
    cluster.down(second)

    assert leftovers(cloud) == []
    assert stack.state.records("cluster") == []
    assert steps(second) == []
    assert len(list(service_linked_role.survey(stack))) == 2


def test_down_without_the_state_file_leaves_nothing(stack: Stack, cloud: WatchedCloud) -> None:
    up(stack)
    stack.state.document.path.unlink()

    cluster.down(again(stack, state=State.load(stack.state.document.path)))

    assert leftovers(cloud) == []


def test_down_goes_on_past_an_error_and_the_next_one_ends_it(stack: Stack, cloud: WatchedCloud) -> None:
    up(stack)
    cloud.refuse("DeleteLogGroup", "AccessDeniedException", "not authorized")

    with pytest.raises(Leftovers, match="log-group logs"):
        cluster.down(again(stack))

    assert leftovers(cloud) == ["log group: /hfecs/hyperflow"]
    cluster.down(again(stack))
    assert leftovers(cloud) == []


def test_an_up_that_broke_in_the_middle_goes_on_where_it_stopped(stack: Stack, cloud: WatchedCloud) -> None:
    cloud.refuse("CreateService", "AccessDeniedException", "not authorized", times=2)
    with pytest.raises(ExceptionGroup):
        up(stack)
    cloud.forget()

    up(again(stack))

    assert "RunInstances" not in cloud.changing()
    with nothing_changes(cloud):
        up(again(stack))


def test_an_up_that_broke_in_the_middle_can_be_taken_down(stack: Stack, cloud: WatchedCloud) -> None:
    cloud.refuse("CreateService", "AccessDeniedException", "not authorized", times=2)
    with pytest.raises(ExceptionGroup):
        up(stack)

    cluster.down(again(stack))

    assert leftovers(cloud) == []


def test_two_clusters_stand_side_by_side_and_one_goes_alone(stack: Stack, cloud: WatchedCloud) -> None:
    other = stack_of(cloud, State.load(stack.state.document.path.with_name("other")), cluster="hyperflow-b")
    up(stack)
    up(other, cluster__name="hyperflow-b")
    before = leftovers(cloud)

    cluster.down(again(stack))

    assert 2 * len(leftovers(cloud)) == len(before)
    with nothing_changes(cloud):
        up(again(other), cluster__name="hyperflow-b")


def test_a_cluster_in_another_region_shares_nothing_with_the_first(stack: Stack, cloud: WatchedCloud) -> None:
    up(stack)
    europe = WatchedCloud("eu-west-1")
    other = stack_of(europe, State.load(stack.state.document.path.with_name("other")))

    up(other)
    cluster.down(again(other))

    with nothing_changes(cloud):
        up(again(stack))


def test_a_strangers_cluster_of_the_same_name_is_refused(stack: Stack, cloud: WatchedCloud) -> None:
    cloud.ecs.create_cluster(clusterName="hfecs-hyperflow-cluster")

    with pytest.raises(NotOurs, match="hfecs-hyperflow-cluster"):
        up(stack)


def test_no_images_are_told_before_anything_is_made(stack: Stack, cloud: WatchedCloud) -> None:
    with (
        nothing_changes(cloud),
        pytest.raises(ConfigurationInvalid, match=r"images\.hfecs and images\.worker") as raised,
    ):
        up(stack, images__hfecs=None, images__worker=None)

    assert "hfecs --local" in raised.value.hint


def test_a_worker_that_no_machine_could_hold_is_told_before_anything_is_made(stack: Stack, cloud: WatchedCloud) -> None:
    with (
        nothing_changes(cloud),
        pytest.raises(ConfigurationInvalid, match=r"t2\.micro offers about 952") as raised,
    ):
        up(stack, worker__memory=1025)

    assert "larger cluster.instance_type" in raised.value.hint


@pytest.mark.parametrize(
    "wrong",
    [
        {"network__admin_cidrs": ["x"]},
        {"network__admin_cidrs": ["0.0.0.0/0"]},
        {"network__vpc_id": "vpc-0"},
        {"network__subnet_ids": ["subnet-0"]},
        {"cluster__instance_type": "t9.none"},
        {"cluster__ami_id": "ami-0"},
        {"cluster__key_pair_name": "nobody"},
    ],
    ids=str,
)
def test_what_the_account_does_not_have_is_told_before_anything_is_made(
    stack: Stack, cloud: WatchedCloud, wrong: dict[str, Any]
) -> None:
    with nothing_changes(cloud), pytest.raises((HfecsError, ClientError)):
        up(stack, **wrong)

    assert not stack.state.document.path.exists()


def test_a_password_is_a_secret_parameter_and_nowhere_else(stack: Stack, cloud: WatchedCloud) -> None:
    up(stack)

    (call,) = cloud.calls_of("PutParameter")
    others = [other.arguments for other in cloud.calls if other.operation != "PutParameter"]
    assert call["Type"] == "SecureString"
    assert call["Value"] not in stack.state.document.path.read_text()
    assert call["Value"] not in repr(others)


def test_each_part_of_the_teardown_comes_after_what_uses_it() -> None:
    order = [module.KIND for paragraph in cluster.TEARDOWN for module in paragraph]

    for first, then in [
        ("alarm", "scaling-policy"),
        ("service-scaling-policy", "scalable-target"),
        ("scalable-target", "service"),
        ("service", "ecs-cluster"),
        ("service", "capacity-provider"),
        ("capacity-provider", "auto-scaling-group"),
        ("capacity-provider", "ecs-cluster"),
        ("auto-scaling-group", "launch-template"),
        ("instance", "container-instance"),
        ("container-instance", "ecs-cluster"),
        ("instance", "security-group"),
        ("instance", "instance-profile"),
        ("instance-profile", "role"),
        ("task", "log-group"),
    ]:
        assert order.index(first) < order.index(then)
