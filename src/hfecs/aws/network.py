"""Which subnets machines can work in: those with a way out, from their route tables and public addresses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal

from hfecs.aws.clients import Cloud
from hfecs.errors import Refused

# The whole internet, or either half of it.
EVERYWHERE = ("0.0.0.0/0", "0.0.0.0/1", "128.0.0.0/1")
AGENT_ENDPOINT = "ecs-agent"

UNREACHABLE = (
    "The subnets have no route to an internet gateway: from outside of the VPC, hfecs run cannot follow a run, nor "
    "hfecs monitoring open reach Grafana."
)
HINT = "add a route to a NAT gateway or an internet gateway, or set network.subnet_ids to other subnets"


class Way(StrEnum):
    """How machines of a subnet reach the internet."""

    PUBLIC = "an internet gateway, which takes a public address"
    PRIVATE = "a NAT gateway or the like"
    NONE = "no way out"


@dataclass(frozen=True)
class Places:
    """The subnets to use, public ones first, and whether to ask for a public address."""

    subnet_ids: list[str]
    public_ip: bool | None = None
    """None where the subnets do as wanted without being asked."""
    note: str | None = None


def route_tables(cloud: Cloud, vpc_id: str | None) -> list[Any]:
    """The route tables of a VPC, or all of the region."""
    filters: Any = [{"Name": "vpc-id", "Values": [vpc_id]}] if vpc_id else []
    pages = cloud.ec2.get_paginator("describe_route_tables").paginate(Filters=filters)
    return [table for page in pages for table in page["RouteTables"]]


def choose(
    cloud: Cloud, subnets: Sequence[Any], tables: Sequence[Any], public_ip: Literal["auto"] | bool, *, named: bool
) -> Places:
    """The subnets with a way out; Refused if a named one has none, or none of a whole VPC has.

    Without public addresses, an internet gateway is no way out. With "auto", the private subnets of a VPC are used only
    if it has no public one.
    """
    subnets = sorted(subnets, key=lambda subnet: str(subnet["SubnetId"]))
    ways = {subnet["SubnetId"]: _way(subnet, tables) for subnet in subnets}
    closed = [subnet for subnet in subnets if _is_closed(ways[subnet["SubnetId"]], public_ip)]
    opened = [subnet for subnet in subnets if subnet not in closed]
    if closed and (named or not opened):
        if not _has_agent_endpoint(cloud, closed[0]["VpcId"]):
            raise Refused(_no_way_out(closed, ways), HINT)
        opened = subnets
    public = [subnet for subnet in opened if ways[subnet["SubnetId"]] is Way.PUBLIC]
    others = [subnet for subnet in opened if subnet not in public]
    if public and not named and public_ip == "auto":
        others = []
    chosen = [*public, *others]
    asked = _asked(public, chosen, public_ip)
    return Places([subnet["SubnetId"] for subnet in chosen], asked, None if public else UNREACHABLE)


def _way(subnet: Any, tables: Sequence[Any]) -> Way:
    """The way of the subnet's own route table, or else of the main one of its VPC."""
    of_vpc = [table for table in tables if table.get("VpcId") == subnet["VpcId"]]
    own = [table for table in of_vpc if _serves(table, "SubnetId", subnet["SubnetId"])]
    main = [table for table in of_vpc if _serves(table, "Main", True)]
    routes = [route for table in (own or main)[:1] for route in table["Routes"]]
    out = [
        route
        for route in routes
        if route.get("DestinationCidrBlock") in EVERYWHERE and route.get("State") != "blackhole"
    ]
    if any(str(route.get("GatewayId", "")).startswith("igw-") for route in out):
        return Way.PUBLIC
    return Way.PRIVATE if out else Way.NONE


def _serves(table: Any, key: str, value: object) -> bool:
    return any(association.get(key) == value for association in table.get("Associations", []))


def _is_closed(way: Way, public_ip: Literal["auto"] | bool) -> bool:
    return way is Way.NONE or (way is Way.PUBLIC and public_ip is False)


def _has_agent_endpoint(cloud: Cloud, vpc_id: str) -> bool:
    """Whether the ECS agent finds ECS inside of the VPC; then the VPC's owner has seen to the other endpoints too."""
    filters: Any = [{"Name": "vpc-id", "Values": [vpc_id]}]
    pages = cloud.ec2.get_paginator("describe_vpc_endpoints").paginate(Filters=filters)
    names = [endpoint["ServiceName"] for page in pages for endpoint in page["VpcEndpoints"]]
    return any(name.rpartition(".")[2] == AGENT_ENDPOINT for name in names)


def _no_way_out(closed: Sequence[Any], ways: dict[str, Way]) -> str:
    each = ", ".join(f"{subnet['SubnetId']} ({ways[subnet['SubnetId']]})" for subnet in closed)
    return f"Machines would not reach ECS from these subnets: {each}."


def _asked(public: Sequence[Any], chosen: Sequence[Any], public_ip: Literal["auto"] | bool) -> bool | None:
    """What to ask EC2 for; None if each subnet does so without being asked."""
    wanted = bool(public) if public_ip == "auto" else public_ip
    of = (public or chosen) if public_ip == "auto" else chosen
    return None if all(bool(subnet.get("MapPublicIpOnLaunch")) == wanted for subnet in of) else wanted
