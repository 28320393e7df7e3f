"""Machines keep the image they were made of until somebody asks for another."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hfecs.blueprints import cluster
from hfecs.errors import NotConfirmed
from hfecs.provisioning.stack import Stack
from hfecs.provisioning.state import State
from standing import stands
from support import WatchedCloud, again, configuration, nothing_changes

NEW = "ami-0abc"


@pytest.fixture
def a_new_image(cloud: WatchedCloud) -> Callable[[], None]:
    """AWS publishes a new image."""
    return lambda: cloud.answer("GetParameter", Parameter={"Value": NEW})


def images(stack: Stack) -> set[str]:
    """The images of all machines that run or will be started."""
    reservations = stack.cloud.ec2.describe_instances()["Reservations"]
    running = [one for group in reservations for one in group["Instances"] if one["State"]["Name"] == "running"]
    answer = stack.cloud.ec2.describe_launch_template_versions(
        LaunchTemplateName="hfecs-hyperflow-worker", Versions=["$Latest"]
    )
    template = answer["LaunchTemplateVersions"][0]["LaunchTemplateData"]["ImageId"]
    return {template, *(machine["ImageId"] for machine in running)}


def test_a_new_image_changes_nothing(stack: Stack, cloud: WatchedCloud, a_new_image: Callable[[], None]) -> None:
    stands(stack)
    a_new_image()

    with nothing_changes(cloud):
        cluster.up(again(stack), configuration())


def test_a_new_image_changes_nothing_even_if_the_state_file_is_lost(
    stack: Stack, cloud: WatchedCloud, a_new_image: Callable[[], None]
) -> None:
    stands(stack)
    a_new_image()
    stack.state.document.path.unlink()

    with nothing_changes(cloud):
        cluster.up(again(stack, state=State.load(stack.state.document.path)), configuration())


def test_the_newest_image_is_taken_when_asked_for_and_then_kept(
    stack: Stack, cloud: WatchedCloud, a_new_image: Callable[[], None]
) -> None:
    stands(stack)
    a_new_image()

    cluster.up(again(stack, may_interrupt=True), configuration(cluster__ami_id="latest"))

    assert images(stack) == {NEW}
    with nothing_changes(cloud):
        cluster.up(again(stack), configuration())


def test_the_newest_image_does_not_end_running_jobs_unasked(stack: Stack, a_new_image: Callable[[], None]) -> None:
    stands(stack)
    a_new_image()

    with pytest.raises(NotConfirmed, match="replaces the broker's machine"):
        cluster.up(again(stack), configuration(cluster__ami_id="latest"))


def test_a_pinned_image_wins_over_the_recorded_one(stack: Stack, cloud: WatchedCloud) -> None:
    stands(stack)
    cloud.answer("DescribeImages", Images=[{"ImageId": NEW, "Architecture": "x86_64"}])

    cluster.up(again(stack, may_interrupt=True), configuration(cluster__ami_id=NEW))

    assert images(stack) == {NEW}
