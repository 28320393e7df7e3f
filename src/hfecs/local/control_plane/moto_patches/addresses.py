"""Addresses that Linux really has: the default VPC is 127.N.0.0/16, and every address in a cloud is unique."""

from __future__ import annotations

from typing import Any

from moto.ec2.models.elastic_network_interfaces import NetworkInterface
from moto.ec2.models.subnets import Subnet
from moto.ec2.models.vpcs import VPCBackend

from hfecs.local.control_plane.moto_patches.patching import replace
from hfecs.local.reconciler import Reconciler

MOTO_DEFAULT_CIDR = "172.31.0.0/16"


def apply(reconciler: Reconciler) -> None:
    """Patch the network side of EC2."""
    given: set[str] = set()
    cidr = f"127.{reconciler.cloud.network}.0.0/16"

    def create_vpc(backend: Any, cidr_block: str, *arguments: Any, **options: Any) -> Any:
        block = cidr if cidr_block == MOTO_DEFAULT_CIDR else cidr_block
        return make_vpc(backend, block, *arguments, **options)

    def get_available_subnet_ip(subnet: Any, instance: Any) -> str:
        """Regions share the network: an address used in one is never given in another."""
        while (address := next_address(subnet, instance)) in given:
            continue
        given.add(address)
        return str(address)

    def del_subnet_ip(subnet: Any, address: str) -> None:
        given.discard(address)
        free_address(subnet, address)

    def check_auto_public_ip(interface: Any) -> None:
        """The public address is the private one: programs listen there, and it is reachable."""
        if str(interface.public_ip_auto_assign).lower() == "true":
            interface.public_ip = interface.private_ip_address

    make_vpc = replace(VPCBackend, "create_vpc", create_vpc)
    next_address = replace(Subnet, "get_available_subnet_ip", get_available_subnet_ip)
    free_address = replace(Subnet, "del_subnet_ip", del_subnet_ip)
    replace(NetworkInterface, "check_auto_public_ip", check_auto_public_ip)
