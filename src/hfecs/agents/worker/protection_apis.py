"""The machine of an executor, and who keeps it from being scaled in: ECS its task, Auto Scaling its machine."""

from __future__ import annotations

import json
import logging
import threading
from functools import cached_property
from http.client import HTTPException
from typing import TYPE_CHECKING, Protocol
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from hfecs.agents.common.environment import Environment
from hfecs.aws.clients import Limits, open_client

if TYPE_CHECKING:
    from mypy_boto3_autoscaling import AutoScalingClient
    from mypy_boto3_ecs import ECSClient

log = logging.getLogger(__name__)

EXPIRES_MINUTES = 60
"""Expiry of a task's protection: if its executor hangs, ECS may stop the task after this long."""

ANSWER_SECONDS = 10.0
LIMITS = Limits(retries=5, connect_timeout=5, read_timeout=10)


class Machine:
    """The machine that this executor runs on, as ECS knows it."""

    def __init__(self, metadata: str) -> None:
        """`metadata` is the ECS agent's URL that identifies this task; empty outside of ECS."""
        self._metadata = metadata
        self._known = ""

    def id_if_known(self) -> str:
        """The machine's id; empty until `id` has found it."""
        return self._known

    def look(self) -> None:
        """Find the id, in a thread: it is for the record only, and jobs do not wait for it."""
        if self._metadata:
            threading.Thread(target=self._try, name="machine", daemon=True).start()

    def _try(self) -> None:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            log.info("this executor runs on machine %s", self.id)
        except (OSError, ValueError, LookupError, HTTPException, BotoCoreError, ClientError) as error:
            log.warning("the machine of this executor is not known: %s", error)

    @cached_property
    def id(self) -> str:
        """The machine's id, from ECS: a container cannot reach the machine's metadata."""
        with urlopen(f"{self._metadata}/task", timeout=ANSWER_SECONDS) as answer:
            task = json.load(answer)
        ecs: ECSClient = open_client("ecs", LIMITS)
        (found,) = ecs.describe_tasks(cluster=task["Cluster"], tasks=[task["TaskARN"]])["tasks"]
        arns = [found["containerInstanceArn"]]
        (machine,) = ecs.describe_container_instances(cluster=task["Cluster"], containerInstances=arns)[
            "containerInstances"
        ]
        self._known = str(machine["ec2InstanceId"])
        return self._known


class ProtectionApi(Protocol):
    """An API that grants protection."""

    name: str

    def protect(self, enabled: bool) -> str:
        """Start, renew or end protection; returns the reason for a refusal, otherwise an empty text."""


class TaskProtectionApi:
    """The ECS agent: a protected task is not stopped when its service scales in, nor by a deployment."""

    name = "ECS"

    def __init__(self, agent: str) -> None:
        self._state = f"{agent}/task-protection/v1/state"

    def protect(self, enabled: bool) -> str:
        """Ask the agent; a task outside a service needs no protection, and is refused it."""
        wanted = {"ProtectionEnabled": enabled} | ({"ExpiresInMinutes": EXPIRES_MINUTES} if enabled else {})
        headers = {"Content-Type": "application/json"}
        request = Request(self._state, json.dumps(wanted).encode(), headers, method="PUT")
        try:
            with urlopen(request, timeout=ANSWER_SECONDS) as answer:
                told = json.load(answer)
        except HTTPError as error:
            return f"HTTP {error.code}: {error.read(500).decode(errors='replace')}"
        except (OSError, ValueError, HTTPException) as error:
            return str(error)
        if not isinstance(told, dict):
            return f"not an answer of the ECS agent: {told}"
        failure = told.get("failure") or told.get("error")
        if not isinstance(failure, dict):
            return str(failure or "")
        return str(failure.get("Reason") or failure.get("Code") or failure.get("Message") or "no reason given")


class InstanceProtectionApi:
    """The Auto Scaling group: it terminates only unprotected machines."""

    name = "Auto Scaling"

    def __init__(self, group: str, machine: Machine) -> None:
        self._group = group
        self._machine = machine

    def protect(self, enabled: bool) -> str:
        """Ask for the machine that this task runs on."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            self._autoscaling.set_instance_protection(
                InstanceIds=[self._machine.id], AutoScalingGroupName=self._group, ProtectedFromScaleIn=enabled
            )
        except (OSError, ValueError, LookupError, HTTPException, BotoCoreError, ClientError) as error:
            return str(error)
        return ""

    @cached_property
    def _autoscaling(self) -> AutoScalingClient:
        client: AutoScalingClient = open_client("autoscaling", LIMITS)
        return client


def machine_of(environ: Environment) -> Machine:
    """The machine of this executor."""
    return Machine(environ.get("ECS_CONTAINER_METADATA_URI_V4", ""))


def protection_apis(environ: Environment, machine: Machine) -> list[ProtectionApi]:
    """The APIs for this executor: none outside ECS; Auto Scaling if AUTO_SCALING_GROUP names its group."""
    agent, group = environ.get("ECS_AGENT_URI", ""), environ.get("AUTO_SCALING_GROUP", "")
    found: list[ProtectionApi] = [TaskProtectionApi(agent)] if agent else []
    in_ecs = environ.get("ECS_CONTAINER_METADATA_URI_V4")
    return [*found, InstanceProtectionApi(group, machine)] if group and in_ecs else found
