"""Which subnets of a VPC with public, private and isolated ones are used, and with which addresses."""

from __future__ import annotations

from typing import Any

import pytest

from hfecs.aws import account
from hfecs.aws.network import UNREACHABLE
from hfecs.errors import Refused
from support import WatchedCloud, configuration

# In this order their ids are given, at random; the tests do not depend on it.
KINDS = ("public", "private", "isolated")


class Vpc:
    """A VPC with a subnet of each kind; no subnet gives public addresses automatically."""

    def __init__(self, cloud: WatchedCloud, kinds: tuple[str, ...] = KINDS) -> None:
        self.ec2 = cloud.ec2
        self.id = self.ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
        self.subnets = {kind: self.subnet(number, kind) for number, kind in enumerate(kinds)}

    def subnet(self, number: int, kind: str) -> str:
        created = self.ec2.create_subnet(
            VpcId=self.id, CidrBlock=f"10.1.{number}.0/24", AvailabilityZone=f"us-east-1{'abc'[number]}"
        )
        subnet = created["Subnet"]["SubnetId"]
        table = self.ec2.create_route_table(VpcId=self.id)["RouteTable"]["RouteTableId"]
        self.ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)
        if kind != "isolated":
            self.ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", **self.target(kind, subnet))
        return subnet

    def target(self, kind: str, subnet: str) -> Any:
        if kind == "private":
            return {"NatGatewayId": self.ec2.create_nat_gateway(SubnetId=subnet)["NatGateway"]["NatGatewayId"]}
        gateway = self.ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        self.ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=self.id)
        return {"GatewayId": gateway}

    def endpoint(self, service: str) -> None:
        name = f"com.amazonaws.us-east-1.{service}"
        self.ec2.create_vpc_endpoint(VpcId=self.id, ServiceName=name, VpcEndpointType="Interface")


def look(cloud: WatchedCloud, vpc: Vpc, *named: str, **changes: Any) -> account.Site:
    subnets = [vpc.subnets[kind] for kind in named]
    return account.look(cloud, configuration(network__vpc_id=vpc.id, network__subnet_ids=subnets, **changes))


def test_of_a_whole_vpc_the_public_subnets_are_used_and_asked_for_addresses(cloud: WatchedCloud) -> None:
    vpc = Vpc(cloud)

    site = look(cloud, vpc)

    assert (site.subnet_ids, site.public_ip, site.note) == ([vpc.subnets["public"]], True, None)
    assert not cloud.calls_of("DescribeVpcEndpoints")


def test_subnets_that_give_addresses_are_not_asked_for_them(cloud: WatchedCloud) -> None:
    vpc = Vpc(cloud)
    cloud.ec2.modify_subnet_attribute(SubnetId=vpc.subnets["public"], MapPublicIpOnLaunch={"Value": True})

    assert look(cloud, vpc).public_ip is None
    assert account.look(cloud, configuration()).public_ip is None


def test_default_subnets_set_to_no_public_addresses_are_asked_for_them(cloud: WatchedCloud) -> None:
    for subnet in cloud.ec2.describe_subnets()["Subnets"]:
        cloud.ec2.modify_subnet_attribute(SubnetId=subnet["SubnetId"], MapPublicIpOnLaunch={"Value": False})

    assert account.look(cloud, configuration()).public_ip is True


def test_named_subnets_are_all_used_public_ones_first(cloud: WatchedCloud) -> None:
    vpc = Vpc(cloud)

    site = look(cloud, vpc, "private", "public")

    assert site.subnet_ids == [vpc.subnets["public"], vpc.subnets["private"]]


def test_with_private_subnets_only_the_user_is_told_that_runs_cannot_be_followed(cloud: WatchedCloud) -> None:
    vpc = Vpc(cloud, ("private", "isolated"))

    site = look(cloud, vpc)

    assert (site.subnet_ids, site.public_ip, site.note) == ([vpc.subnets["private"]], None, UNREACHABLE)


def test_an_isolated_subnet_that_is_named_is_refused_by_its_name(cloud: WatchedCloud) -> None:
    vpc = Vpc(cloud)

    with pytest.raises(Refused, match=rf"{vpc.subnets['isolated']} \(no way out\)\.") as raised:
        look(cloud, vpc, "public", "isolated")

    assert vpc.subnets["public"] not in str(raised.value)
    assert "NAT gateway" in raised.value.hint


def test_a_vpc_of_isolated_subnets_is_refused(cloud: WatchedCloud) -> None:
    vpc = Vpc(cloud, ("isolated",))
    vpc.endpoint("s3")

    with pytest.raises(Refused, match=vpc.subnets["isolated"]):
        look(cloud, vpc)


def test_an_endpoint_for_the_agent_is_a_way_out(cloud: WatchedCloud) -> None:
    vpc = Vpc(cloud, ("isolated",))
    vpc.endpoint("ecs-agent")

    assert look(cloud, vpc).subnet_ids == [vpc.subnets["isolated"]]


def test_a_subnet_without_a_table_of_its_own_has_the_routes_of_the_main_one(cloud: WatchedCloud) -> None:
    vpc = Vpc(cloud, ())
    cloud.ec2.create_subnet(VpcId=vpc.id, CidrBlock="10.1.9.0/24", AvailabilityZone="us-east-1a")

    with pytest.raises(Refused, match="no way out"):
        look(cloud, vpc)


def test_a_route_whose_target_is_gone_is_no_way_out(cloud: WatchedCloud) -> None:
    vpc = Vpc(cloud, ("private",))
    tables = cloud.ec2.describe_route_tables()["RouteTables"]
    for route in [route for table in tables for route in table["Routes"]]:
        route["State"] = "blackhole"
    cloud.answer("DescribeRouteTables", RouteTables=tables)

    with pytest.raises(Refused, match="no way out"):
        look(cloud, vpc)


def test_without_public_addresses_an_internet_gateway_is_no_way_out(cloud: WatchedCloud) -> None:
    vpc = Vpc(cloud)

    site = look(cloud, vpc, network__public_ip=False)

    assert (site.subnet_ids, site.public_ip) == ([vpc.subnets["private"]], None)
    with pytest.raises(Refused, match="takes a public address"):
        look(cloud, vpc, "public", network__public_ip=False)


def test_addresses_are_asked_for_everywhere_if_configured(cloud: WatchedCloud) -> None:
    vpc = Vpc(cloud, ("private",))

    assert look(cloud, vpc, network__public_ip=True).public_ip is True
