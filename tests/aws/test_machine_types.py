"""Which instance type is taken, and what is said of one that cannot be."""

from __future__ import annotations

from typing import Any

import pytest

from hfecs.aws import account, machine_types
from hfecs.aws.account import Known
from hfecs.aws.clients import Cloud
from hfecs.errors import ConfigurationInvalid
from support import KEYS, WatchedCloud, configuration


def free(cloud: WatchedCloud, *names: str) -> None:
    """Of the default types these are eligible for the account's free tier."""
    described: Any = cloud.ec2.describe_instance_types(
        Filters=[{"Name": "instance-type", "Values": [*machine_types.DEFAULTS]}]
    )["InstanceTypes"]
    for machine in described:
        machine["FreeTierEligible"] = machine["InstanceType"] in names
    cloud.answer("DescribeInstanceTypes", InstanceTypes=described)


@pytest.mark.parametrize(
    ("eligible", "chosen"),
    [(["t3.micro"], "t3.micro"), (["t2.micro"], "t2.micro"), (["t2.micro", "t3.micro"], "t3.micro"), ([], "t3.micro")],
)
def test_without_a_configured_type_the_first_that_is_free_is_taken(
    cloud: WatchedCloud, eligible: list[str], chosen: str
) -> None:
    free(cloud, *eligible)

    assert account.look(cloud, configuration()).machine.name == chosen


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize("region", ["eu-north-1", "eu-south-1", "af-south-1", "me-south-1"])
def test_a_region_without_t2_has_a_default_too(region: str) -> None:
    cloud = Cloud(region=region, environment=KEYS)

    assert account.look(cloud, configuration(network__admin_cidrs=[])).machine.name == "t3.micro"


def test_the_type_of_an_earlier_up_is_kept_and_a_configured_one_is_taken(cloud: WatchedCloud) -> None:
    known = Known("m5.large", "ami-known")

    kept = account.look(cloud, configuration(), known)
    named = account.look(cloud, configuration(cluster__instance_type="t2.small"), known)

    assert (kept.machine.name, kept.image_id) == ("m5.large", "ami-known")
    assert named.machine.name == "t2.small"
    assert named.image_id != "ami-known"


@pytest.mark.parametrize("name", ["t9.nano", "zz9.large"])
def test_an_unknown_type_is_named_with_others_that_the_region_has(cloud: WatchedCloud, name: str) -> None:
    with pytest.raises(ConfigurationInvalid, match=f"{name} is not an instance type in us-east-1") as raised:
        account.look(cloud, configuration(cluster__instance_type=name))

    assert raised.value.hint == "set cluster.instance_type to another one, such as t2.micro or t3.micro or t3.small"


@pytest.mark.usefixtures("aws")
def test_a_type_of_other_regions_is_not_suggested_where_it_is_not() -> None:
    cloud = Cloud(region="eu-north-1", environment=KEYS)

    with pytest.raises(ConfigurationInvalid, match=r"t2\.micro is not an instance type in eu-north-1") as raised:
        account.look(cloud, configuration(network__admin_cidrs=[], cluster__instance_type="t2.micro"))

    assert "t3.micro" in raised.value.hint
    assert "t2" not in raised.value.hint


def test_a_region_without_any_default_type_says_so(cloud: WatchedCloud) -> None:
    cloud.answer("DescribeInstanceTypes", InstanceTypes=[])

    with pytest.raises(ConfigurationInvalid, match=r"us-east-1 offers neither t3\.micro nor t2\.micro") as raised:
        account.look(cloud, configuration())

    assert "cluster.instance_type" in raised.value.hint
