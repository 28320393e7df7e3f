from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from hfecs.errors import AwsFailed, Misused, NotConfirmed
from hfecs.provisioning.resource import Planned
from hfecs.provisioning.stack import Stack
from hfecs.provisioning.state import State
from hfecs.provisioning.teardown import remove
from hfecs.resources import instance
from resources.cases import image, subnets
from support import WatchedCloud, again, nothing_changes

SMALL, LARGE = "t2.micro", "m5.large"


def launch(stack: Stack, kind: str = SMALL) -> dict[str, Any]:
    return {"ImageId": image(), "InstanceType": kind, "SubnetId": subnets(stack)[0], "UserData": "#!/bin/bash"}


def make(stack: Stack, kind: str = SMALL, interrupts: str = "") -> str:
    return instance.ensure(stack, "master", launch=launch(stack, kind), interrupts=interrupts)


def machines(stack: Stack) -> dict[str, str]:
    """States by id."""
    answer = stack.cloud.ec2.describe_instances()
    return {
        machine["InstanceId"]: machine["State"]["Name"]
        for group in answer["Reservations"]
        for machine in group["Instances"]
    }


def test_a_lost_record_finds_the_machine_by_its_tags(stack: Stack) -> None:
    machine = make(stack)
    stack.state.document.path.unlink()

    assert make(again(stack, state=State.load(stack.state.document.path))) == machine
    assert list(machines(stack)) == [machine]


def test_a_run_that_was_killed_before_the_record_sends_the_same_token(stack: Stack, cloud: WatchedCloud) -> None:
    cloud.refuse("RunInstances", "InternalError")
    with pytest.raises(AwsFailed):
        make(stack)

    make(again(stack))

    first, second = (call["ClientToken"] for call in cloud.calls_of("RunInstances"))
    assert first == second


def test_a_machine_after_one_that_was_removed_has_a_token_of_its_own(stack: Stack, cloud: WatchedCloud) -> None:
    make(stack)
    remove(again(stack), [[instance]])

    make(again(stack))

    first, second = (call["ClientToken"] for call in cloud.calls_of("RunInstances"))
    assert first != second


def test_a_machine_and_its_disk_carry_our_tags_from_the_start(stack: Stack, cloud: WatchedCloud) -> None:
    make(stack)

    (call,) = cloud.calls_of("RunInstances")
    tags = {
        kind["ResourceType"]: {tag["Key"]: tag["Value"] for tag in kind["Tags"]} for kind in call["TagSpecifications"]
    }
    assert tags["instance"] == tags["volume"]
    assert stack.owns(tags["instance"])


def test_a_machine_that_differs_is_not_replaced_without_permission(stack: Stack, cloud: WatchedCloud) -> None:
    machine = make(stack)

    with nothing_changes(cloud), pytest.raises(NotConfirmed, match="ends the jobs"):
        make(again(stack), LARGE, interrupts="ends the jobs")

    assert machines(stack) == {machine: "running"}


def test_a_machine_that_differs_is_replaced_with_permission(stack: Stack) -> None:
    old = make(stack)

    new = make(again(stack, may_interrupt=True), LARGE, interrupts="ends the jobs")

    assert machines(stack) == {old: "terminated", new: "running"}
    assert [record.id for record in stack.state.records("cluster")] == [new]


def test_a_replacement_has_a_token_of_its_own(stack: Stack, cloud: WatchedCloud) -> None:
    make(stack)

    make(again(stack, may_interrupt=True), LARGE)

    first, second = (call["ClientToken"] for call in cloud.calls_of("RunInstances"))
    assert first != second


@pytest.mark.parametrize("recorded", [True, False])
def test_a_token_that_gives_the_old_machine_as_it_was_at_its_launch_is_not_believed(
    stack: Stack, cloud: WatchedCloud, recorded: bool
) -> None:
    machine = make(stack)
    (as_launched,) = stack.cloud.ec2.describe_instances()["Reservations"][0]["Instances"]
    stack.cloud.ec2.terminate_instances(InstanceIds=[machine])
    if not recorded:
        as_launched["LaunchTime"] -= timedelta(hours=1)
        stack.state.document.path.unlink()
    cloud.answer_once("RunInstances", Instances=[as_launched])

    new = make(again(stack, state=State.load(stack.state.document.path)))

    assert machines(stack) == {machine: "terminated", new: "running"}
    tokens = [call["ClientToken"] for call in cloud.calls_of("RunInstances")]
    assert len(set(tokens[1:])) == 2


def test_a_machine_that_somebody_ended_is_made_again(stack: Stack) -> None:
    old = make(stack)
    stack.cloud.ec2.terminate_instances(InstanceIds=[old])

    assert make(again(stack)) != old


@pytest.mark.refused_by_aws  # the group's own tag, which only AWS sets
def test_a_machine_of_the_group_is_none_of_these(stack: Stack) -> None:
    machine = make(stack)
    stack.cloud.ec2.create_tags(Resources=[machine], Tags=[{"Key": "aws:autoscaling:groupName", "Value": "g"}])

    assert list(instance.survey(stack)) == []


@pytest.mark.parametrize(
    "message",
    [
        "Value (x) for parameter iamInstanceProfile.name is invalid. Invalid IAM Instance Profile name",
        "x has no associated IAM Roles",
    ],
)
def test_a_profile_that_ec2_does_not_see_yet_is_waited_for(stack: Stack, cloud: WatchedCloud, message: str) -> None:
    cloud.refuse("RunInstances", "InvalidParameterValue", message, times=3)

    machine = make(stack)

    assert machines(stack) == {machine: "running"}


def test_a_security_group_that_ec2_does_not_see_yet_is_waited_for(stack: Stack, cloud: WatchedCloud) -> None:
    cloud.refuse("RunInstances", "InvalidGroup.NotFound", "The security group 'sg-1' does not exist", times=3)

    machine = make(stack)

    assert machines(stack) == {machine: "running"}


def test_any_other_invalid_parameter_is_told_at_once(stack: Stack, cloud: WatchedCloud) -> None:
    cloud.refuse("RunInstances", "InvalidParameterValue", "Invalid availability zone")

    with pytest.raises(AwsFailed, match=r"instance master: .* Invalid availability zone"):
        make(stack)

    assert len(cloud.calls_of("RunInstances")) == 1


@pytest.mark.parametrize("code", ["VcpuLimitExceeded", "InsufficientInstanceCapacity", "Unsupported"])
def test_what_the_account_or_zone_lacks_comes_with_the_way_out(stack: Stack, cloud: WatchedCloud, code: str) -> None:
    cloud.refuse("RunInstances", code)

    with pytest.raises(AwsFailed, match=code) as raised:
        make(stack)

    assert raised.value.hint


def test_the_address_of_a_new_machine_is_known(stack: Stack) -> None:
    machine = make(stack)

    assert instance.private_address(stack, "master", machine).count(".") == 3


def test_the_address_of_a_machine_that_was_seen_costs_no_call(stack: Stack, cloud: WatchedCloud) -> None:
    make(stack)
    later = again(stack)
    machine = make(later)
    cloud.forget()

    instance.private_address(later, "master", machine)

    assert cloud.calls == []


def test_a_plan_knows_no_address_of_a_machine_that_is_to_be_made(stack: Stack) -> None:
    plan = again(stack, plan=True)

    assert isinstance(instance.private_address(plan, "master", make(plan)), Planned)


def test_a_person_reaches_the_machine_by_its_public_address(stack: Stack) -> None:
    machine = make(stack)

    address = instance.public_address(again(stack), "master")

    answer = stack.cloud.ec2.describe_instances(InstanceIds=[machine])
    assert address == answer["Reservations"][0]["Instances"][0]["PublicIpAddress"]


def test_the_address_of_a_machine_that_is_not_there_is_misuse(stack: Stack) -> None:
    with pytest.raises(Misused, match="no machine master"):
        instance.public_address(stack, "master")


def test_a_machine_that_is_gone_and_that_aws_has_forgotten_is_no_error(stack: Stack, cloud: WatchedCloud) -> None:
    stack.cloud.ec2.terminate_instances(InstanceIds=[make(stack)])
    cloud.refuse("TerminateInstances", "InvalidInstanceID.NotFound")

    instance.teardown(stack, stack.state.records("cluster")[0])

    assert cloud.refusals == []


def test_a_machine_that_is_not_visible_yet_is_terminated_when_it_is(stack: Stack, cloud: WatchedCloud) -> None:
    machine = make(stack)
    cloud.refuse("TerminateInstances", "InvalidInstanceID.NotFound", times=3)

    instance.teardown(stack, stack.state.records(stack.name)[0])

    assert machines(stack) == {machine: "terminated"}


def test_a_machine_that_died_after_its_launch_is_an_error_with_the_reason_of_ec2_and_a_hint(
    stack: Stack, cloud: WatchedCloud
) -> None:
    machine = make(stack)
    instance.check(stack, "master", machine)
    reason = {"Code": "Client.InternalError", "Message": "Client.InternalError: Client error on launch"}
    dead = {"InstanceId": machine, "State": {"Name": "terminated"}, "StateReason": reason}
    cloud.answer("DescribeInstances", Reservations=[{"Instances": [dead]}])

    with pytest.raises(AwsFailed, match=r"Machine master ended at its launch: .* a key that cannot be used") as raised:
        instance.check(stack, "master", machine)

    assert "Client.InternalError: Client error on launch" in raised.value.message
    assert "AWSServiceRoleForAutoScaling" in raised.value.hint
