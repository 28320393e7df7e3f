"""The notifier's third task: remove scale-in protection from machines without an executor.

Machines are launched protected, and their executor removes that when idle. A machine whose executor never started,
because fewer are wanted by then, or was killed and not restarted, would stay forever.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hfecs.agents.common import environment
from hfecs.agents.common.attempts import Attempts
from hfecs.agents.common.environment import Environment
from hfecs.agents.common.pauses import pause
from hfecs.agents.notifier.fallback_demand import PATIENCE_SECONDS

if TYPE_CHECKING:
    from mypy_boto3_autoscaling import AutoScalingClient
    from mypy_boto3_ecs import ECSClient

log = logging.getLogger(__name__)

PERIOD_SECONDS = 30.0
MANAGED_TAG = "AmazonECSManaged"
"""In groups with a capacity provider: ECS manages their protection."""

AT_ONCE = 50
"""Maximum for SetInstanceProtection; DescribeTasks takes a hundred."""


@dataclass(frozen=True)
class Place:
    """Where to find machines and executors; one without the other is left alone for `patience` seconds."""

    group: str
    cluster: str
    service: str
    patience: float

    @classmethod
    def from_environment(cls, environ: Environment) -> Place | None:
        """Read AUTO_SCALING_GROUP, ECS_CLUSTER, WORKER_SERVICE and PATIENCE; None if no group is named."""
        if not environ.get("AUTO_SCALING_GROUP"):
            return None
        return cls(
            environ["AUTO_SCALING_GROUP"],
            environment.required(environ, "ECS_CLUSTER"),
            environment.required(environ, "WORKER_SERVICE"),
            environment.seconds(environ, "PATIENCE", PATIENCE_SECONDS),
        )


class StaleProtection:
    """Removes the protection of machines that have had no executor for that long."""

    def __init__(
        self,
        place: Place,
        autoscaling: AutoScalingClient,
        ecs: ECSClient,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._place = place
        self._autoscaling = autoscaling
        self._ecs = ecs
        self._clock = clock
        self._alone: dict[str, float] = {}
        self._attempts = Attempts()

    def start(self) -> None:
        """Check periodically, in a daemon thread."""
        threading.Thread(target=self._run, name="forgotten machines", daemon=True).start()

    def _run(self) -> None:
        while True:
            pause(PERIOD_SECONDS)
            self._attempts.make("Auto Scaling or ECS, for forgotten machines", self.look)

    def look(self) -> None:
        """Check once."""
        protected = self._protected()
        alone = protected - self._with_executor() if protected else protected
        now = self._clock()
        self._alone = {machine: self._alone.get(machine, now) for machine in alone}
        forgotten = sorted(name for name, since in self._alone.items() if now - since >= self._place.patience)
        for start in range(0, len(forgotten), AT_ONCE):
            chosen = forgotten[start : start + AT_ONCE]
            log.warning("machines without an executor lose their protection: %s", ", ".join(chosen))
            self._autoscaling.set_instance_protection(
                InstanceIds=chosen, AutoScalingGroupName=self._place.group, ProtectedFromScaleIn=False
            )

    def _protected(self) -> set[str]:
        groups = self._autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[self._place.group])
        return {
            machine["InstanceId"]
            for group in groups["AutoScalingGroups"]
            if MANAGED_TAG not in [tag["Key"] for tag in group["Tags"]]
            for machine in group["Instances"]
            if machine["ProtectedFromScaleIn"] and machine["LifecycleState"] == "InService"
        }

    def _with_executor(self) -> set[str]:
        """The machines on which a task of the service is running or about to run."""
        cluster = self._place.cluster
        pages = self._ecs.get_paginator("list_tasks").paginate(cluster=cluster, serviceName=self._place.service)
        tasks = [arn for page in pages for arn in page["taskArns"]]
        hosts: set[str] = set()
        for start in range(0, len(tasks), AT_ONCE):
            told = self._ecs.describe_tasks(cluster=cluster, tasks=tasks[start : start + AT_ONCE])["tasks"]
            arns = sorted({task["containerInstanceArn"] for task in told if "containerInstanceArn" in task})
            if arns:
                found = self._ecs.describe_container_instances(cluster=cluster, containerInstances=arns)
                hosts |= {machine["ec2InstanceId"] for machine in found["containerInstances"]}
        return hosts
