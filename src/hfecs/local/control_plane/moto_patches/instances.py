"""EC2 instances with a lifecycle (pending, running, shutting-down, terminated), and RunInstances with ClientToken."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models.instances import Instance, InstanceBackend
from moto.ec2.responses.instances import InstanceResponse

from hfecs.local.control_plane.moto_patches.patching import replace
from hfecs.local.data_plane.machines import set_state
from hfecs.local.data_plane.shared import SharedState
from hfecs.local.reconciler import Reconciler

USER_DATA_BYTES = 16_384
ENDED = ("shutting-down", "terminated")


def apply(reconciler: Reconciler) -> None:
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
