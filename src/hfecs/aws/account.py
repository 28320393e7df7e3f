"""What the account and region offer: network, image, machine sizes. Only looked up, never created."""

from __future__ import annotations

import ipaddress
import socket
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from hfecs.aws import machine_types, network
from hfecs.aws.clients import Cloud
from hfecs.aws.errors import expected_errors, ignoring, passable
from hfecs.aws.machine_types import ARCHITECTURES, MachineType
from hfecs.config import Config
from hfecs.errors import AwsFailed, ConfigurationInvalid, Refused
from hfecs.parallel import together

# The largest block of addresses that one network has, in IPv4 and for sure in IPv6: /8.
SMALLEST_PREFIX = 8
# The ECS-optimised Amazon Linux 2023 of each architecture, kept up to date by AWS.
IMAGE_PARAMETER = "/aws/service/ecs/optimized-ami/amazon-linux-2023/{}recommended/image_id"
# "Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances", in vCPUs.
STANDARD_VCPUS = "L-1216C47A"
MY_ADDRESS = "https://checkip.amazonaws.com"


@dataclass(frozen=True)
class Site:
    """The account's resources that a cluster uses."""

    vpc_id: str
    subnet_ids: list[str]
    machine: MachineType
    image_id: str
    admin_cidrs: list[str]
    vcpu_quota: int | None = None
    """vCPUs of standard on-demand machines that may run at a time; None if it was not asked for, or is not told."""
    public_ip: bool | None = None
    """Whether machines are launched with a public address; None to leave it to their subnet."""
    note: str | None = None
    """What the user should know about the network."""


@dataclass(frozen=True)
class Known:
    """What an earlier `up` took, and this one takes too unless configured otherwise: instance type, machine image."""

    instance_type: str | None = None
    image_id: str | None = None


def known(outputs: Mapping[str, Any]) -> Known:
    """What an earlier `up` saved in the state."""
    return Known(outputs.get("instance_type"), outputs.get("image_id"))


def of_machine(instance: Any) -> Known:
    """What a machine that exists was launched with, where the state does not tell."""
    return Known(instance["InstanceType"], instance["ImageId"])


def look(cloud: Cloud, config: Config, known: Known = Known()) -> Site:
    """Look everything up in one round of calls."""
    pinned, configured = _pinned(config), config.cluster.instance_type
    wanted = machine_types.names(configured or known.instance_type)
    is_known = not config.cluster.ami_id and known.image_id and wanted == (known.instance_type,)
    image_known = known.image_id if is_known else None
    vpc, subnets, tables, types, offered, image, built_for, cidrs, quota, _ = together(
        lambda: _vpc(cloud, config),
        lambda: _subnets(cloud, config),
        lambda: network.route_tables(cloud, config.network.vpc_id),
        lambda: machine_types.describe(cloud, wanted),
        lambda: machine_types.zones(cloud, wanted),
        lambda: pinned or image_known or _image(cloud, "x86_64"),
        lambda: _architecture(cloud, pinned) if pinned else None,
        lambda: admin_cidrs(cloud, config),
        lambda: None if known.instance_type else _vcpu_quota(cloud),
        lambda: _key_pair(cloud, config.cluster.key_pair_name),
    )
    machine = machine_types.choose(cloud, wanted, types, offered)
    zones = offered[machine.name]
    usable = [subnet for subnet in subnets if subnet["VpcId"] == vpc and subnet["AvailabilityZone"] in zones]
    if not usable:
        hint = "choose another cluster.instance_type, or set network.subnet_ids to subnets in such a zone"
        raise AwsFailed(
            f"No subnet of {vpc} is in a zone that offers {machine.name} ({', '.join(sorted(zones))}).", hint
        )
    if built_for not in (None, machine.architecture):
        hint = "remove cluster.ami_id, or choose an image or an instance type of the other architecture"
        raise ConfigurationInvalid(f"{pinned} is for {built_for}, but {machine.name} is {machine.architecture}.", hint)
    if machine.architecture != "x86_64" and not (pinned or image_known):
        image = _image(cloud, machine.architecture)
    named = bool(config.network.subnet_ids)
    places = network.choose(cloud, usable, tables, config.network.public_ip, named=named)
    return Site(vpc, places.subnet_ids, machine, image, cidrs, quota, places.public_ip, places.note)


def admin_cidrs(cloud: Cloud, config: Config) -> list[str]:
    """The blocks that may reach user-facing ports; the whole world only if explicitly allowed."""
    wanted = config.network.admin_cidrs
    if wanted == "auto":
        return [_own_address(cloud.endpoint_url)]
    blocks = [_block(text) for text in wanted]
    # Two halves are the world too; nobody's network is larger than this.
    if any(block.prefixlen < SMALLEST_PREFIX for block in blocks) and not config.network.allow_world:
        raise Refused(
            "network.admin_cidrs exposes the broker to the whole world.",
            hint="use your own address block, or set network.allow_world = true",
        )
    return sorted(str(block) for block in blocks)


def _block(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError as error:
        raise ConfigurationInvalid(
            f"network.admin_cidrs: {error}.", hint='write blocks such as "192.0.2.7/32"'
        ) from None


def _own_address(endpoint_url: str | None) -> str:
    """This machine's address as AWS sees it, or as the server used instead of AWS does."""
    if endpoint_url:
        target = urlsplit(endpoint_url)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect((target.hostname, target.port or 80))
            return f"{probe.getsockname()[0]}/32"
    try:
        with urllib.request.urlopen(MY_ADDRESS, timeout=5) as answer:
            return f"{_block(answer.read().decode().strip())}"
    except OSError as error:
        hint = 'set network.admin_cidrs to your own block, such as ["192.0.2.7/32"], or to [] for none'
        raise ConfigurationInvalid(f"This machine's public address cannot be determined: {error}.", hint) from None


def _vpc(cloud: Cloud, config: Config) -> str:
    if config.network.vpc_id:
        return config.network.vpc_id
    filters: Any = [{"Name": "is-default", "Values": ["true"]}]
    networks = cloud.ec2.describe_vpcs(Filters=filters)["Vpcs"]
    if not networks:
        hint = "set network.vpc_id (and network.subnet_ids) in hfecs.toml"
        raise ConfigurationInvalid(f"The account has no default VPC in {cloud.region}.", hint)
    return networks[0]["VpcId"]


def _subnets(cloud: Cloud, config: Config) -> list[Any]:
    """The configured subnets, or those of the VPC, or the default ones."""
    if config.network.subnet_ids:
        return list(cloud.ec2.describe_subnets(SubnetIds=config.network.subnet_ids)["Subnets"])
    key, value = ("vpc-id", config.network.vpc_id) if config.network.vpc_id else ("default-for-az", "true")
    filters: Any = [{"Name": key, "Values": [value]}]
    return list(cloud.ec2.describe_subnets(Filters=filters)["Subnets"])


def _vcpu_quota(cloud: Cloud) -> int | None:
    """The account's quota of vCPUs, if Service Quotas tells: the permission for it is optional."""
    try:
        quota = cloud.client("service-quotas").get_service_quota(ServiceCode="ec2", QuotaCode=STANDARD_VCPUS)["Quota"]
    except expected_errors() as error:
        if not passable(error):
            raise
        return None
    return int(quota["Value"]) if quota.get("Value") else None


def _key_pair(cloud: Cloud, name: str | None) -> None:
    """Check that the configured key pair exists: machines are launched last, and need it."""
    if not name:
        return
    with ignoring("InvalidKeyPair.NotFound"):
        cloud.ec2.describe_key_pairs(KeyNames=[name])
        return
    hint = "choose a key pair of this region, or remove cluster.key_pair_name"
    raise ConfigurationInvalid(f"Key pair {name} does not exist in {cloud.region}.", hint)


def _pinned(config: Config) -> str | None:
    """The configured image."""
    return None if config.cluster.ami_id == "latest" else config.cluster.ami_id


def _architecture(cloud: Cloud, image: str) -> str:
    """The architecture of a machine image."""
    with ignoring("InvalidAMIID.NotFound", "InvalidAMIID.Malformed"):
        described = cloud.ec2.describe_images(ImageIds=[image])["Images"]
        if described:
            return described[0]["Architecture"]
    hint = "images belong to one region: choose one of this region, or remove cluster.ami_id to use the newest"
    raise ConfigurationInvalid(f"Machine image {image} does not exist in {cloud.region}.", hint)


def _image(cloud: Cloud, architecture: str) -> str:
    name = IMAGE_PARAMETER.format(ARCHITECTURES[architecture])
    return cloud.ssm.get_parameter(Name=name)["Parameter"]["Value"]
