"""The machines behind the EC2 instances: a process for each instance whose user data names an ECS cluster.

The script in the user data is not run; its ECS settings are read.
"""

from __future__ import annotations

import base64
import binascii
import gzip
import json
import os
import re
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from hfecs.local.data_plane.capacity_providers import provider_of
from hfecs.local.data_plane.faults import Faults, name_of
from hfecs.local.data_plane.placement import ECS_AGENT_PORTS
from hfecs.local.data_plane.shared import SharedState
from hfecs.local.processes import NAME_MARK

SETTING = re.compile(
    r"^\s*(?:export\s+)?(ECS_CLUSTER|ECS_INSTANCE_ATTRIBUTES|ECS_CONTAINER_STOP_TIMEOUT|HFECS_END_WITH_TASK|HFECS_DEADLINE_OF)=(.*?)\s*$",
    re.MULTILINE,
)


STOP_TIMEOUT = 30  # seconds: the agent's own ECS_CONTAINER_STOP_TIMEOUT

BOOT_SECONDS = 1.0  # from launch to registration; minutes on AWS
LINGER_SECONDS = (
    30.0  # from the end of its engine to the end of a runner's machine, as in templates/user-data/machine.sh
)
PENDING_SECONDS = 0.5  # of an instance that dies at its launch; seconds on AWS
KEPT_BACK = 0.07  # share of a machine's memory used by its kernel and the ECS agent
CODES = {"pending": 0, "running": 16, "shutting-down": 32, "terminated": 48, "stopping": 64, "stopped": 80}
LIVING = ("pending", "running")


@dataclass(frozen=True)
class UserData:
    """The settings that a machine's ECS agent would find in /etc/ecs/ecs.config."""

    cluster: str = ""
    attributes: dict[str, str] = field(default_factory=dict)
    end_with_task: bool = False
    deadline_of: str = ""
    stop_timeout: int = STOP_TIMEOUT


def read_user_data(encoded: str | None) -> UserData:
    """The ECS settings in base64 user data, which may be compressed with gzip.

    If the attributes are not a JSON object there is no cluster: a real agent with broken ones never registers either.
    """
    settings = {name: _unquoted(value) for name, value in SETTING.findall(_decoded(encoded or ""))}
    try:
        attributes = json.loads(settings.get("ECS_INSTANCE_ATTRIBUTES") or "{}")
    except json.JSONDecodeError:
        return UserData()
    if not isinstance(attributes, dict):
        return UserData()
    return UserData(
        cluster=settings.get("ECS_CLUSTER", ""),
        attributes={str(name): str(value) for name, value in attributes.items()},
        end_with_task=settings.get("HFECS_END_WITH_TASK", "").lower() == "true",
        deadline_of=settings.get("HFECS_DEADLINE_OF", ""),
        stop_timeout=_seconds(settings.get("ECS_CONTAINER_STOP_TIMEOUT", "")),
    )


def _seconds(text: str) -> int:
    """Seconds as the agent's settings have them, such as 120s."""
    return int(text[:-1]) if re.fullmatch("[0-9]+s", text) else STOP_TIMEOUT


def _decoded(encoded: str) -> str:
    try:
        data = base64.b64decode(encoded, validate=False)
    except binascii.Error:
        return encoded
    if data.startswith(b"\x1f\x8b"):
        data = gzip.decompress(data)
    return data.decode(errors="replace")


def _unquoted(value: str) -> str:
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"" else value


@dataclass
class Machine:
    """A machine: the EC2 instance (moto's), its process, and its registration with ECS."""

    instance: Any
    region: str
    boot: UserData
    process: subprocess.Popen[bytes]
    launched: float
    cpu: int
    memory: int
    container_instance: Any = None
    tasks: set[str] = field(default_factory=set)
    ended: bool = False
    shuts_down_at: float | None = None

    @property
    def address(self) -> str:
        """Its private address."""
        return str(self.instance.private_ip)

    @property
    def container_instance_arn(self) -> str:
        """Its name in ECS; empty until registered."""
        return str(self.container_instance.container_instance_arn) if self.container_instance else ""

    def order(self, **what: Any) -> None:
        """Send an order to its process; lost if that has just died, which is noticed anyway."""
        try:
            if self.process.stdin:
                self.process.stdin.write(json.dumps(what).encode() + b"\n")
                self.process.stdin.flush()
        except BrokenPipeError:
            return


class Machines:
    """All machines, by the id of their instance."""

    def __init__(self, cloud: SharedState) -> None:
        self.cloud = cloud
        self.by_id: dict[str, Machine] = {}
        self.faults = Faults(cloud.directory)
        self.boot_seconds = float(os.environ.get("HFECS_LOCAL_BOOT", BOOT_SECONDS))
        self.linger_seconds = float(os.environ.get("HFECS_LOCAL_LINGER", LINGER_SECONDS))

    def step(self, now: float) -> list[Machine]:
        """Follow the instances of EC2; returns the machines that have gone since the last call."""
        for region, backend in self.cloud.regions("ec2"):
            for reservation in list(backend.reservations.values()):
                for instance in reservation.instances:
                    self._follow(instance, region, now)
        for machine in self.by_id.values():
            if machine.container_instance is None and now - machine.launched >= self.boot_seconds:
                self._register(machine)
            if machine.shuts_down_at is not None and now >= machine.shuts_down_at:
                machine.shuts_down_at = None
                self.shut_down(machine)
        gone = [machine for machine in self.by_id.values() if machine.process.poll() is not None]
        for machine in gone:
            self._bury(machine)
        return gone

    def ready(self, instance_id: str) -> None:
        """Whether the machine's process is running."""
        instance = self.by_id[instance_id].instance
        if instance.state == "pending":
            set_state(instance, "running")

    def of(self, region: str, cluster: str) -> list[Machine]:
        """The registered machines of a cluster."""
        return [
            machine
            for machine in self.by_id.values()
            if machine.container_instance is not None and machine.region == region and machine.boot.cluster == cluster
        ]

    def engine_ended(self, machine: Machine) -> None:
        """Shut a runner's machine down after a delay: its agent still has to report how the task ended."""
        if machine.shuts_down_at is None:
            machine.shuts_down_at = time.monotonic() + self.linger_seconds

    def shut_down(self, machine: Machine) -> None:
        """Shut a machine down from within; its instance then stops or terminates, as set at launch."""
        if machine.instance.instance_initiated_shutdown_behavior == "terminate":
            machine.instance.terminate()
        else:
            set_state(machine.instance, "stopped")

    def end_all(self) -> list[int]:
        """Switch off every machine; returns the process ids to wait for."""
        for machine in self.by_id.values():
            machine.order(order="end")
        return [machine.process.pid for machine in self.by_id.values()]

    def _follow(self, instance: Any, region: str, now: float) -> None:
        machine = self.by_id.get(instance.id)
        if instance.state == "pending" and machine is None and self._dies(instance, now):
            return
        if instance.state in LIVING and machine is None:
            boot = read_user_data(_text(instance.user_data))
            if boot.cluster:
                self.by_id[instance.id] = self._launch(instance, region, boot, now)
            else:
                set_state(instance, "running")
        elif instance.state not in LIVING and machine and not machine.ended:
            machine.ended = True
            machine.order(order="end")
        elif instance.state == "shutting-down" and machine is None:
            _terminated(instance)

    def _dies(self, instance: Any, now: float) -> bool:
        """Whether an instance never becomes a machine: it stays pending for a moment, and then terminates."""
        reason = self.faults.death(name_of(instance.get_tags()))
        if not reason:
            return False
        if now >= instance.__dict__.setdefault("dies_at", now + PENDING_SECONDS):
            instance.terminate()
            instance.death = reason
        return True

    def _launch(self, instance: Any, region: str, boot: UserData, now: float) -> Machine:
        environment = {**os.environ, NAME_MARK: f"machine {instance.id}"}
        process = subprocess.Popen(
            [sys.executable, "-S", "-m", "hfecs.local.data_plane.machine_process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            start_new_session=True,
        )
        cpu, memory = self.size(instance.instance_type, region)
        threading.Thread(target=self._listen, args=(instance.id, process), daemon=True).start()
        return Machine(instance, region, boot, process, now, cpu, memory)

    def _listen(self, instance_id: str, process: subprocess.Popen[bytes]) -> None:
        for line in process.stdout or ():
            self.cloud.report(instance_id, json.loads(line))
        process.wait()
        self.cloud.wake()

    def size(self, instance_type: str, region: str) -> tuple[int, int]:
        """The CPU units and MiB that the ECS agent of that instance type offers."""
        types = self.cloud.backend("ec2", region).describe_instance_types([instance_type], {})
        cores, memory = types[0]["VCpuInfo"]["DefaultVCpus"], types[0]["MemoryInfo"]["SizeInMiB"]
        return int(cores) * 1024, int(memory * (1 - KEPT_BACK))

    def _register(self, machine: Machine) -> None:
        backend = self.cloud.backend("ecs", machine.region)
        cluster = backend.clusters.get(machine.boot.cluster)
        if machine.instance.state != "running" or cluster is None or cluster.status != "ACTIVE":
            return
        registered = backend.register_container_instance(cluster.name, machine.instance.id)
        registered.attributes.update(machine.boot.attributes)
        registered.registered_resources = resources(machine.cpu, machine.memory, set())
        registered.remaining_resources = resources(machine.cpu, machine.memory, set())
        registered.capacity_provider_name = provider_of(backend, cluster, machine.instance)
        machine.container_instance = registered

    def _bury(self, machine: Machine) -> None:
        """A machine that has ended leaves ECS, unless only stopped; if its process died unasked, it has failed."""
        del self.by_id[machine.instance.id]
        registered = machine.container_instance
        if registered is not None and machine.instance.state == "stopped":
            registered.agent_connected = False
        elif registered is not None:
            backend = self.cloud.backend("ecs", machine.region)
            backend.container_instances.get(machine.boot.cluster, {}).pop(registered.id, None)
        if machine.instance.state in LIVING:
            machine.instance.terminate()
            machine.instance.death = "Server.InternalError: the machine's process died."
        if machine.instance.state == "shutting-down":
            _terminated(machine.instance)


def _terminated(instance: Any) -> None:
    """An instance has ended: as it was told to, or for the reason of its death."""
    instance.finish_termination()
    if reason := getattr(instance, "death", ""):
        instance.state_reason.code, instance.state_reason.message = reason.partition(": ")[0], reason


def set_state(instance: Any, name: str) -> None:
    """Put a moto instance into a state."""
    instance._state.name, instance._state.code = name, CODES[name]


def resources(cpu: int, memory: int, ports: set[int]) -> list[dict[str, Any]]:
    """Resources of a container instance, as ECS lists them."""
    taken = [str(port) for port in sorted(ECS_AGENT_PORTS | ports)]
    zeros = {"doubleValue": 0.0, "longValue": 0}
    return [
        {**zeros, "name": "CPU", "type": "INTEGER", "integerValue": cpu},
        {**zeros, "name": "MEMORY", "type": "INTEGER", "integerValue": memory},
        {**zeros, "name": "PORTS", "type": "STRINGSET", "integerValue": 0, "stringSetValue": taken},
        {**zeros, "name": "PORTS_UDP", "type": "STRINGSET", "integerValue": 0, "stringSetValue": []},
    ]


def _text(user_data: Any) -> str | None:
    return None if user_data is None else str(user_data)
