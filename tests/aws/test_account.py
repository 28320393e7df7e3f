from __future__ import annotations

from typing import Any

import pytest

from hfecs.aws import account
from hfecs.aws.account import Known
from hfecs.aws.clients import Cloud
from hfecs.errors import AwsFailed, ConfigurationInvalid, Misused, Refused
from support import KEYS, ME, WatchedCloud, configuration, nothing_changes


def network(cloud: WatchedCloud) -> str:
    """The id of a VPC of our own with a public subnet."""
    vpc = cloud.ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    cloud.ec2.create_subnet(VpcId=vpc, CidrBlock="10.1.1.0/24", AvailabilityZone="us-east-1a")
    gateway = cloud.ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    cloud.ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    filters: Any = [{"Name": "vpc-id", "Values": [vpc]}]
    table = cloud.ec2.describe_route_tables(Filters=filters)["RouteTables"][0]["RouteTableId"]
    cloud.ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    return vpc


def test_the_default_network_is_taken_with_the_subnets_whose_zone_offers_the_machine(cloud: WatchedCloud) -> None:
    place = account.look(cloud, configuration())

    subnets = cloud.ec2.describe_subnets(SubnetIds=place.subnet_ids)["Subnets"]
    assert {subnet["VpcId"] for subnet in subnets} == {place.vpc_id}
    assert {subnet["AvailabilityZone"] for subnet in subnets} <= {f"us-east-1{letter}" for letter in "abcdef"}
    assert (place.machine.cores, place.machine.memory, place.machine.architecture) == (1, 1024, "x86_64")
    assert place.image_id.startswith("ami-")
    assert place.admin_cidrs == [ME]


def test_looking_changes_nothing(cloud: WatchedCloud) -> None:
    with nothing_changes(cloud):
        account.look(cloud, configuration())


def test_a_named_network_is_taken_with_its_subnets(cloud: WatchedCloud) -> None:
    vpc = network(cloud)

    place = account.look(cloud, configuration(network__vpc_id=vpc))

    assert place.vpc_id == vpc
    assert len(place.subnet_ids) == 1


def test_named_subnets_are_taken_and_no_others(cloud: WatchedCloud) -> None:
    every = account.look(cloud, configuration()).subnet_ids

    place = account.look(cloud, configuration(network__subnet_ids=[every[1]]))

    assert place.subnet_ids == [every[1]]


def test_an_account_without_a_default_network_is_told_what_to_set(cloud: WatchedCloud) -> None:
    answer = cloud.ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])
    for subnet in cloud.ec2.describe_subnets()["Subnets"]:
        cloud.ec2.delete_subnet(SubnetId=subnet["SubnetId"])
    cloud.ec2.delete_vpc(VpcId=answer["Vpcs"][0]["VpcId"])

    with pytest.raises(ConfigurationInvalid, match="no default VPC in us-east-1") as raised:
        account.look(cloud, configuration())

    assert "network.vpc_id" in raised.value.hint


def test_subnets_in_zones_that_do_not_offer_the_machine_are_refused(cloud: WatchedCloud) -> None:
    vpc = network(cloud)
    every = account.look(cloud, configuration()).subnet_ids

    with pytest.raises(AwsFailed, match=rf"No subnet of {vpc} is in a zone that offers t2\.micro"):
        account.look(cloud, configuration(network__vpc_id=vpc, network__subnet_ids=every))


def test_a_machine_of_the_other_architecture_gets_its_own_image(cloud: WatchedCloud) -> None:
    intel = account.look(cloud, configuration())

    arm = account.look(cloud, configuration(cluster__instance_type="t4g.small"))

    assert arm.machine.architecture == "arm64"
    assert arm.image_id != intel.image_id
    assert [call["Name"] for call in cloud.calls_of("GetParameter")][-1].endswith("/arm64/recommended/image_id")


def test_a_named_image_goes_before_a_known_one_and_neither_is_looked_up(cloud: WatchedCloud) -> None:
    image = registered_image(cloud)

    named = account.look(cloud, configuration(cluster__ami_id=image), Known("t2.micro", "ami-known"))
    known = account.look(cloud, configuration(), Known("t2.micro", "ami-known"))

    assert (named.image_id, known.image_id) == (image, "ami-known")
    assert cloud.calls_of("GetParameter") == []


def registered_image(cloud: WatchedCloud) -> str:
    """A machine image of one's own, for x86_64."""
    cloud.answer("DescribeImages", Images=[{"ImageId": "ami-0a", "Architecture": "x86_64"}])
    return "ami-0a"


def test_a_named_image_for_another_architecture_is_refused(cloud: WatchedCloud) -> None:
    image = registered_image(cloud)

    with pytest.raises(ConfigurationInvalid, match=rf"{image} is for x86_64, but t4g\.small is arm64") as raised:
        account.look(cloud, configuration(cluster__ami_id=image, cluster__instance_type="t4g.small"))

    assert "cluster.ami_id" in raised.value.hint


def test_a_named_image_that_does_not_exist_is_said_to_be_of_another_region(cloud: WatchedCloud) -> None:
    cloud.refuse("DescribeImages", "InvalidAMIID.NotFound")

    with pytest.raises(ConfigurationInvalid, match="Machine image ami-0123 does not exist in us-east-1") as raised:
        account.look(cloud, configuration(cluster__ami_id="ami-0123"))

    assert "images belong to one region" in raised.value.hint


def test_the_latest_image_is_looked_up_even_if_one_is_known(cloud: WatchedCloud) -> None:
    newest = account.look(cloud, configuration()).image_id

    place = account.look(cloud, configuration(cluster__ami_id="latest"), Known("t2.micro", "ami-known"))

    assert place.image_id == newest


@pytest.mark.parametrize("world", ["0.0.0.0/0", "::/0"])
def test_a_broker_open_to_the_world_is_refused(cloud: WatchedCloud, world: str) -> None:
    with pytest.raises(Refused, match="exposes the broker to the whole world"):
        account.admin_cidrs(cloud, configuration(network__admin_cidrs=[ME, world]))


@pytest.mark.parametrize("world", ["0.0.0.0/00", "1.2.3.4/0", "0.0.0.0/0 ", "0::/0", "0:0:0:0:0:0:0:0/0"])
def test_the_world_spelled_in_another_way_is_not_let_in(cloud: WatchedCloud, world: str) -> None:
    with pytest.raises((Refused, ConfigurationInvalid)):
        account.admin_cidrs(cloud, configuration(network__admin_cidrs=[world]))


def test_a_broker_open_to_the_world_is_made_when_that_is_allowed_by_name(cloud: WatchedCloud) -> None:
    config = configuration(network__admin_cidrs=["0.0.0.0/0"], network__allow_world=True)

    assert account.admin_cidrs(cloud, config) == ["0.0.0.0/0"]


def test_blocks_are_written_as_ec2_writes_them(cloud: WatchedCloud) -> None:
    config = configuration(network__admin_cidrs=["198.51.100.9/24", "192.0.2.7", "2001:DB8::1"])

    assert account.admin_cidrs(cloud, config) == ["192.0.2.7/32", "198.51.100.0/24", "2001:db8::1/128"]


def test_a_block_that_is_none_is_named(cloud: WatchedCloud) -> None:
    with pytest.raises(ConfigurationInvalid, match=r"network\.admin_cidrs: 'my-house'"):
        account.admin_cidrs(cloud, configuration(network__admin_cidrs=["my-house"]))


def test_nobody_may_be_let_in(cloud: WatchedCloud) -> None:
    assert account.admin_cidrs(cloud, configuration(network__admin_cidrs=[])) == []


def test_a_stand_in_for_aws_sees_the_address_of_this_machine() -> None:
    cloud = Cloud(region="us-east-1", endpoint_url="http://127.0.0.1:5000", environment=KEYS)

    assert account.admin_cidrs(cloud, configuration(network__admin_cidrs="auto")) == ["127.0.0.1/32"]


def test_a_cloud_without_a_region_says_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")

    with pytest.raises(Misused, match="No AWS region is set") as raised:
        _ = Cloud(environment=KEYS).region

    assert "hfecs --local" in raised.value.hint


def test_a_key_pair_that_the_region_lacks_is_told_before_anything_is_made(cloud: WatchedCloud) -> None:
    with (
        nothing_changes(cloud),
        pytest.raises(ConfigurationInvalid, match="Key pair nobody does not exist in us-east-1"),
    ):
        account.look(cloud, configuration(cluster__key_pair_name="nobody"))


def test_a_key_pair_of_the_region_is_taken(cloud: WatchedCloud) -> None:
    cloud.ec2.create_key_pair(KeyName="mine")

    assert account.look(cloud, configuration(cluster__key_pair_name="mine"))
