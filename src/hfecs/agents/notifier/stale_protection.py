"""The notifier's third task: machines that are protected from scale-in, though no executor is there to let them go.

Machines are launched protected, and their executor ends that when it is idle. One whose executor never came, because
fewer are wanted by now, or whose executor was killed and not started again, would stay for ever.
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
"""On groups with a capacity provider: ECS lets their machines go."""

AT_ONCE = 50
"""SetInstanceProtection takes no more machines, DescribeTasks a hundred."""


@dataclass(frozen=True)
class Place:
    """Where to look for machines and executors; one without the other is left alone for `patience` seconds."""

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
    """Ends the protection of machines that have had no executor for so long."""

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
        """Look again and again, in a thread that ends with its process."""
        threading.Thread(target=self._run, name="forgotten machines", daemon=True).start()

    def _run(self) -> None:
        while True:
            pause(PERIOD_SECONDS)
            self._attempts.make("Auto Scaling or ECS, for forgotten machines", self.look)

    def look(self) -> None:
        """Look once."""
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
        """The machines on which a task of the service runs or is about to."""
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
