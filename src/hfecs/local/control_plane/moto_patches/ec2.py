"""EC2 as on AWS: addresses, instances, launch templates, security groups, error codes.

The default VPC lies in 127.N.0.0/16, addresses that Linux really has, and no address is given twice in a cloud.
Instances have states (pending, running, shutting-down, terminated), and RunInstances knows its ClientToken.
New versions of launch templates keep their user data in a form that moto can launch from. DeleteSecurityGroup refuses
while an interface or another group's rule uses the group.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models.elastic_network_interfaces import NetworkInterface
from moto.ec2.models.instance_types import InstanceTypeBackend
from moto.ec2.models.instances import Instance, InstanceBackend
from moto.ec2.models.launch_templates import LaunchTemplate, LaunchTemplateBackend
from moto.ec2.models.security_groups import SecurityGroupBackend
from moto.ec2.models.subnets import Subnet
from moto.ec2.models.vpcs import VPCBackend
from moto.ec2.responses.instances import InstanceResponse
from moto.ec2.utils import parse_user_data
from moto.iam.exceptions import IAMException
from moto.iam.models import IAMBackend

from hfecs.local.control_plane.moto_patches.patching import replace
from hfecs.local.data_plane.faults import Faults
from hfecs.local.data_plane.machines import set_state
from hfecs.local.data_plane.shared import SharedState
from hfecs.local.reconciler import Reconciler

MOTO_DEFAULT_CIDR = "172.31.0.0/16"

EVERYWHERE = "0.0.0.0/0"
USER_DATA_BYTES = 16_384
ENDED = ("shutting-down", "terminated")


def apply(reconciler: Reconciler) -> None:
    """Patch EC2, and the error codes of launch templates and roles."""
    # An account of before July 2025: with a machine of one core, a laptop runs as many workers as it has cores.
    for machine in InstanceTypeBackend.instance_types:
        machine["FreeTierEligible"] = machine.name == "t2.micro"
    _patch_addresses(reconciler)
    _patch_instances(reconciler)
    _patch_launch_templates(reconciler)
    _patch_error_codes(reconciler)
    _patch_security_groups(reconciler)


def _patch_addresses(reconciler: Reconciler) -> None:
    """Patch the network side of EC2."""
    given: set[str] = set()
    cidr = f"127.{reconciler.cloud.network}.0.0/16"

    def create_vpc(backend: Any, cidr_block: str, *arguments: Any, **options: Any) -> Any:
        block = cidr if cidr_block == MOTO_DEFAULT_CIDR else cidr_block
        return make_vpc(backend, block, *arguments, **options)

    def create_default_vpc(backend: Any) -> Any:
        """With an internet gateway and a route to it, unless it has one already."""
        vpc = make_default(backend)
        (table,) = backend.describe_route_tables(filters={"vpc-id": [vpc.id], "association.main": ["true"]})
        if not any(route.destination_cidr_block == EVERYWHERE for route in table.routes):
            gateway = backend.create_internet_gateway()
            backend.attach_internet_gateway(gateway.id, vpc.id)
            backend.create_route(table.id, EVERYWHERE, gateway_id=gateway.id)
        return vpc

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

    make_default = replace(VPCBackend, "create_default_vpc", create_default_vpc)
    make_vpc = replace(VPCBackend, "create_vpc", create_vpc)
    next_address = replace(Subnet, "get_available_subnet_ip", get_available_subnet_ip)
    free_address = replace(Subnet, "del_subnet_ip", del_subnet_ip)
    replace(NetworkInterface, "check_auto_public_ip", check_auto_public_ip)


def _patch_instances(reconciler: Reconciler) -> None:
    """Patch instances."""
    InstancePatches(reconciler.cloud)


@dataclass(frozen=True)
class Launch:
    """What a ClientToken was used for."""

    parameters: str
    reservation: Any


class InstancePatches:
    """Replaces moto's own methods; the originals are kept to be called."""

    def __init__(self, cloud: SharedState) -> None:
        self.cloud = cloud
        self.faults = Faults(cloud.directory)
        self.launches: dict[tuple[str, str], Launch] = {}
        self.launch = replace(InstanceResponse, "run_instances", self.run_instances)
        self.launch_in_backend = replace(InstanceBackend, "run_instances", self.run_in_backend)
        self.terminate_at_once = replace(Instance, "terminate", self.terminate)
        setattr(Instance, "finish_termination", self.terminate_at_once)  # noqa: B010

    def run_instances(self, response: Any) -> ActionResult:
        """RunInstances: the same token gives the same instances, even when they have been terminated."""
        parameters = dict(response._get_params())
        key = response.region, parameters.pop("ClientToken", "")
        fingerprint = json.dumps(parameters, sort_keys=True, default=str)
        known = self.launches.get(key)
        if known is None:
            if _decoded_bytes(str(parameters.get("UserData") or "")) > USER_DATA_BYTES:
                raise EC2ClientError("InvalidUserData.Malformed", "User data is limited to 16384 bytes")
            result: Any = self.launch(response)
            known = Launch(fingerprint, result.result)
            if key[1]:
                self.launches[key] = known
        elif known.parameters != fingerprint:
            text = "Arguments on this idempotent request are inconsistent with arguments used in previous request(s)."
            raise EC2ClientError("IdempotentParameterMismatch", text)
        return ActionResult(known.reservation)

    def run_in_backend(self, backend: Any, *arguments: Any, **options: Any) -> Any:
        """Instances, also those of groups, start as pending; their interfaces are deleted with them."""
        if fault := self.faults.launch((options.get("tags") or {}).get("instance", {}).get("Name", "")):
            raise EC2ClientError(*fault)
        template = options.get("launch_template")
        data = backend._get_template_from_args(template).data if template else {}
        behaviour = data.get("InstanceInitiatedShutdownBehavior")
        if behaviour and not options.get("instance_initiated_shutdown_behavior"):
            options["instance_initiated_shutdown_behavior"] = behaviour
        if not options.get("subnet_id") and not any("SubnetId" in nic for nic in options.get("nics") or []):
            options["subnet_id"] = _default_subnet(backend, options.get("placement"))
        reservation = self.launch_in_backend(backend, *arguments, **options)
        for instance in reservation.instances:
            set_state(instance, "pending")
            for interface in instance.nics.values():
                interface.delete_on_termination = True
        return reservation

    def terminate(self, instance: Any) -> Any:
        """Only start to terminate: it has ended when its machine has."""
        before = type(instance._state)(instance.state, instance.state_code)
        if instance.state not in ENDED:
            set_state(instance, "shutting-down")
            self.cloud.wake()
        return before


def _decoded_bytes(text: str) -> int:
    """The length of a base64 text once decoded."""
    return len(text.rstrip("=")) * 3 // 4


def _default_subnet(backend: Any, zone: str | None) -> str | None:
    """An instance without a subnet is put in the default one of its zone, or of the first zone."""
    subnets = backend.get_default_subnets()
    subnet = subnets.get(zone) if zone else next(iter(subnets.values()), None)
    return str(subnet.id) if subnet else None


def _patch_launch_templates(_: Reconciler) -> None:
    """Patch CreateLaunchTemplateVersion."""

    def create_version(template: Any, data: dict[str, Any], description: str) -> Any:
        text = data.get("UserData")
        parsed = {"UserData": parse_user_data(text)} if isinstance(text, str) else {}
        return create(template, {**data, **parsed}, description)

    create = replace(LaunchTemplate, "create_version", create_version)


def _patch_security_groups(_: Reconciler) -> None:
    """Patch security groups."""

    def delete_security_group(backend: Any, name: str | None = None, group_id: str | None = None) -> Any:
        group = backend.get_security_group_by_name_or_id(group_id or name)
        if group is not None and (_in_use(backend, group.id) or _referenced(backend, group.id)):
            raise EC2ClientError("DependencyViolation", f"resource {group.id} has a dependent object")
        return delete(backend, name, group_id)

    delete = replace(SecurityGroupBackend, "delete_security_group", delete_security_group)


def _in_use(backend: Any, group_id: str) -> bool:
    return any(group.id == group_id for interface in backend.enis.values() for group in interface.group_set)


def _referenced(backend: Any, group_id: str) -> bool:
    for groups in backend.groups.values():
        for other in groups.values():
            rules = [*other.ingress_rules, *other.egress_rules]
            if other.id != group_id and any(rule.source_group.get("GroupId") == group_id for rule in rules):
                return True
    return False


def _patch_error_codes(_: Reconciler) -> None:
    """Patch CreateServiceLinkedRole and DeleteLaunchTemplate."""

    def create_service_linked_role(backend: Any, service_name: str, *arguments: Any, **options: Any) -> Any:
        try:
            return create_role(backend, service_name, *arguments, **options)
        except IAMException as error:
            if error.code != "EntityAlreadyExists":
                raise
            text = (
                f"Service role name for {service_name} has been taken in this account, please try a different suffix."
            )
            raise IAMException("InvalidInput", text) from error

    def delete_launch_template(backend: Any, name: str, tid: str | None) -> Any:
        if name and name not in backend.launch_template_name_to_ids:
            text = "At least one of the launch templates specified in the request does not exist."
            raise EC2ClientError("InvalidLaunchTemplateName.NotFoundException", text)
        if tid and tid not in backend.launch_templates:
            text = f"The specified launch template, with template ID {tid}, does not exist."
            raise EC2ClientError("InvalidLaunchTemplateId.NotFound", text)
        return delete(backend, name, tid)

    create_role = replace(IAMBackend, "create_service_linked_role", create_service_linked_role)
    delete = replace(LaunchTemplateBackend, "delete_launch_template", delete_launch_template)
