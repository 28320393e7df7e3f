from __future__ import annotations

from hfecs.provisioning.stack import Stack
from hfecs.resources import auto_scaling_group
from resources.cases import CASES
from support import WatchedCloud, again, steps

(GROUP,) = [case for case in CASES if case.module.KIND == "auto-scaling-group"]


def test_a_group_that_is_being_deleted_is_waited_for_and_made_again(stack: Stack, cloud: WatchedCloud) -> None:
    GROUP.needs(stack)
    GROUP.make(stack)
    listed = stack.cloud.autoscaling.describe_auto_scaling_groups()["AutoScalingGroups"]
    listed[0]["Status"] = "Delete in progress"
    stack.cloud.autoscaling.delete_auto_scaling_group(
        AutoScalingGroupName=listed[0]["AutoScalingGroupName"], ForceDelete=True
    )
    cloud.answer_once("DescribeAutoScalingGroups", AutoScalingGroups=listed)
    later = again(stack)

    GROUP.make(later)

    assert [found.name for found in GROUP.module.survey(stack)] == [GROUP.name]
    assert "Status: Delete in progress -> in service" in steps(later)[-1].detail


def test_a_group_that_is_not_shown_yet_is_waited_for(stack: Stack, cloud: WatchedCloud) -> None:
    GROUP.needs(stack)
    GROUP.make(stack)
    later = again(stack)
    cloud.answer_once("DescribeAutoScalingGroups", AutoScalingGroups=[])

    arn = auto_scaling_group.arn(later, GROUP.name)

    assert arn.endswith(f"autoScalingGroupName/{stack.full_name(GROUP.name)}")


def test_rebalancing_that_a_person_suspended_stays_so(stack: Stack, cloud: WatchedCloud) -> None:
    GROUP.needs(stack)
    GROUP.make(stack)
    group = stack.full_name(GROUP.name)
    stack.cloud.autoscaling.suspend_processes(
        AutoScalingGroupName=group, ScalingProcesses=["AZRebalance", "ReplaceUnhealthy", "Launch"]
    )

    GROUP.make(again(stack))

    (found,) = stack.cloud.autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[group])["AutoScalingGroups"]
    left = {process["ProcessName"] for process in found["SuspendedProcesses"]}
    assert left == {"AZRebalance", "ReplaceUnhealthy"}, "without Launch the cluster would never grow"
