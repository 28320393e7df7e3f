"""The policy of the documentation is enough for all that hfecs does, and nothing of it is too much."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import parliament
import pytest
from botocore.exceptions import ClientError

from blueprints.leftovers import leftovers
from hfecs.blueprints import cluster, monitoring
from hfecs.blueprints import run as run_blueprint
from hfecs.observe.status import overview
from hfecs.provisioning.stack import Stack
from security.permissions import Need, Permissions
from support import WatchedCloud, add_machine, again, configuration, stack_of, write_job

POLICY = json.loads((Path(__file__).parents[2] / "docs" / "iam-policy.json").read_text())
# What the story does not come by; tests/test_iam_policy.py knows the call of each.
IMAGES = {action for one in POLICY["Statement"] if one["Sid"] == "Images" for action in one["Action"]}
BESIDES_THE_STORY = IMAGES | {
    # The demand of a run from its first second on, and an alarm that lasts: commands see to them, not blueprints.
    "cloudwatch:PutMetricData",
    "cloudwatch:SetAlarmState",
    # Images pushed by hfecs, and machines that are checked before they are used.
    "ec2:DescribeImages",
    "ec2:DescribeKeyPairs",
    # What keeps a security group in use.
    "ec2:DescribeNetworkInterfaces",
    # Subnets without a way out.
    "ec2:DescribeVpcEndpoints",
    "ecr:DescribeRepositories",
    "ecr:GetAuthorizationToken",
    # What somebody changed by hand is mended.
    "autoscaling:ResumeProcesses",
    "ec2:AuthorizeSecurityGroupEgress",
    "ec2:DescribeInstanceAttribute",
    "ec2:ModifyInstanceAttribute",
    "ec2:ModifyInstanceMetadataOptions",
    "ec2:StartInstances",
    "iam:DetachRolePolicy",
    "iam:UpdateAssumeRolePolicy",
    # Another type of machine; hfecs logs; outputs that are fetched, uploads that broke.
    "ec2:CreateLaunchTemplateVersion",
    "ec2:GetConsoleOutput",
    "logs:FilterLogEvents",
    "s3:AbortMultipartUpload",
}


def story(stack: Stack, folder: Path, permissions: Permissions) -> None:
    """Make all, look at it, change it, run a workflow, and remove all with its data."""
    vars(stack.cloud).pop("_identity", None)  # asked for in an earlier test
    watching, runs = (stack_of(stack.cloud, stack.state, name) for name in (monitoring.STACK, run_blueprint.STACK))
    monitoring.up(watching, configuration())
    cluster.up(stack, configuration())
    with permissions.lifted():  # a machine registers itself
        add_machine(stack)
    job = write_job(folder / "job")
    run_blueprint.up(runs, again(stack), configuration(), run=run_blueprint.Run("one", "files-1"), directory=job)
    overview(again(stack), again(runs))
    assert cluster.others(again(stack)) == []
    changed: dict[str, Any] = {"scaling__asg_max": 7, "cluster__insights": True, "cluster__log_retention_days": 7}
    cluster.up(again(stack, plan=True), configuration(**changed))
    cluster.up(again(stack), configuration(**changed, worker__memory=300, network__admin_cidrs=["198.51.100.9/32"]))
    by_provider = {"scaling__instances": "capacity-provider"}
    cluster.up(again(stack, may_interrupt=True), configuration(**by_provider))
    cluster.up(again(stack), configuration(**by_provider, scaling__instance_cooldown=90))
    run_blueprint.down(again(runs), with_data=True)
    cluster.down(again(stack))
    monitoring.down(again(watching))


def allowed() -> set[str]:
    """The actions of the policy."""
    listed = [one["Action"] for one in POLICY["Statement"]]
    return {action for one in listed for action in ([one] if isinstance(one, str) else one)}


def without(action: str) -> Any:
    """The policy with one action less."""
    statements = [
        {**one, "Action": [each for each in [one["Action"]] if each != action]}
        if isinstance(one["Action"], str)
        else {**one, "Action": [each for each in one["Action"] if each != action]}
        for one in POLICY["Statement"]
    ]
    return {**POLICY, "Statement": statements}


def test_the_policy_is_enough_from_the_first_up_to_the_last_destroy(
    stack: Stack, cloud: WatchedCloud, tmp_path: Path
) -> None:
    permissions = Permissions(POLICY)

    with permissions.over(cloud):
        story(stack, tmp_path, permissions)

    assert permissions.refused == []
    assert leftovers(cloud) == []
    assert len(permissions.used) > 80
    assert allowed() - permissions.used == BESIDES_THE_STORY


def test_a_call_that_the_policy_does_not_allow_is_refused(stack: Stack, cloud: WatchedCloud) -> None:
    permissions = Permissions(without("ec2:RunInstances"))

    with permissions.over(cloud), pytest.raises(Exception, match="ec2:RunInstances"):
        cluster.up(stack, configuration())

    assert {need.action for need in permissions.refused} == {"ec2:RunInstances"}


def test_what_is_not_ours_is_out_of_reach(cloud: WatchedCloud) -> None:
    with Permissions(POLICY).over(cloud):
        for call in (
            partial(cloud.iam.delete_user, UserName="somebody"),
            partial(cloud.ssm.get_parameter, Name="/other/secret"),
            partial(cloud.logs.delete_log_group, logGroupName="/aws/other"),
            partial(cloud.ecr.delete_repository, repositoryName="others"),
        ):
            with pytest.raises(ClientError, match="not authorized"):
                call()

    assert not Permissions(POLICY).allows(
        Need("iam:PassRole", "arn:aws:iam::1:role/admin", (("iam:PassedToService", "ec2.amazonaws.com"),))
    )
    assert not Permissions(POLICY).allows(
        Need("iam:PassRole", "arn:aws:iam::1:role/hfecs/a/b", (("iam:PassedToService", "lambda.amazonaws.com"),))
    )


def test_parliament_finds_nothing_in_it_but_resources_that_are_not_named() -> None:
    findings = parliament.analyze_policy_string(json.dumps(POLICY)).findings

    assert {finding.issue for finding in findings} <= {"RESOURCE_STAR"}
