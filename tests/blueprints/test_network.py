"""Machines in subnets that give no public addresses."""

from __future__ import annotations

import pytest

from hfecs.blueprints import cluster
from hfecs.provisioning.report import Outcome
from hfecs.provisioning.stack import Stack
from support import WatchedCloud, again, configuration, outcomes, steps


@pytest.fixture
def without_addresses(cloud: WatchedCloud) -> None:
    for subnet in cloud.ec2.describe_subnets()["Subnets"]:
        cloud.ec2.modify_subnet_attribute(SubnetId=subnet["SubnetId"], MapPublicIpOnLaunch={"Value": False})


def test_master_and_workers_ask_for_public_addresses(
    stack: Stack, cloud: WatchedCloud, without_addresses: None
) -> None:
    cluster.up(stack, configuration())

    (launched,) = cloud.calls_of("RunInstances")
    (template,) = cloud.calls_of("CreateLaunchTemplate")
    for parameters in (launched, template["LaunchTemplateData"]):
        (interface,) = parameters["NetworkInterfaces"]
        assert interface["AssociatePublicIpAddress"] is True
        assert len(interface["Groups"]) == 1
        assert not parameters.keys() & {"SecurityGroupIds", "SubnetId"}


def test_up_again_changes_nothing_with_addresses_asked_for(
    stack: Stack, cloud: WatchedCloud, without_addresses: None
) -> None:
    cluster.up(stack, configuration())
    later = again(stack)
    cloud.forget()

    cluster.up(later, configuration())

    assert cloud.changing() == []
    assert outcomes(later) == {Outcome.UNCHANGED}, steps(later)


def test_subnets_that_give_addresses_keep_the_plain_form(stack: Stack, cloud: WatchedCloud) -> None:
    cluster.up(stack, configuration())

    (launched,) = cloud.calls_of("RunInstances")
    assert "NetworkInterfaces" not in launched
    assert launched["SubnetId"].startswith("subnet-")
