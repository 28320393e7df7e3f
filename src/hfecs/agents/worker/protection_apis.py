"""Who keeps an executor with jobs from being scaled in: ECS its task, Auto Scaling its machine."""

from __future__ import annotations

import json
import logging
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

    def __init__(self, group: str, metadata: str) -> None:
        """`metadata` is the ECS agent's URL that identifies this task."""
        self._group = group
        self._metadata = metadata

    def protect(self, enabled: bool) -> str:
        """Ask for the machine that this task runs on."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            self._autoscaling.set_instance_protection(
                InstanceIds=[self._instance], AutoScalingGroupName=self._group, ProtectedFromScaleIn=enabled
            )
        except (OSError, ValueError, LookupError, HTTPException, BotoCoreError, ClientError) as error:
            return str(error)
        return ""

    @cached_property
    def _instance(self) -> str:
        """The machine's id, from ECS: a container cannot reach the machine's metadata."""
        with urlopen(f"{self._metadata}/task", timeout=ANSWER_SECONDS) as answer:
            task = json.load(answer)
        ecs: ECSClient = open_client("ecs", LIMITS)
        (found,) = ecs.describe_tasks(cluster=task["Cluster"], tasks=[task["TaskARN"]])["tasks"]
        arns = [found["containerInstanceArn"]]
        (machine,) = ecs.describe_container_instances(cluster=task["Cluster"], containerInstances=arns)[
            "containerInstances"
        ]
        return str(machine["ec2InstanceId"])

    @cached_property
    def _autoscaling(self) -> AutoScalingClient:
        client: AutoScalingClient = open_client("autoscaling", LIMITS)
        return client


def protection_apis(environ: Environment) -> list[ProtectionApi]:
    """The APIs for this executor: none outside ECS; Auto Scaling if AUTO_SCALING_GROUP names its group."""
    agent, group = environ.get("ECS_AGENT_URI", ""), environ.get("AUTO_SCALING_GROUP", "")
    metadata = environ.get("ECS_CONTAINER_METADATA_URI_V4", "")
    found: list[ProtectionApi] = [TaskProtectionApi(agent)] if agent else []
    return [*found, InstanceProtectionApi(group, metadata)] if group and metadata else found
