"""Measure how long a cluster has been idle, and end its machines after too long."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from hfecs.agents.common import environment
from hfecs.agents.common.attempts import Attempts
from hfecs.agents.common.environment import Environment
from hfecs.agents.common.pauses import pause
from hfecs.agents.notifier.queue import QueueNumbers
from hfecs.agents.notifier.stale_protection import AT_ONCE
from hfecs.aws import cloudwatch
from hfecs.aws.cloudwatch import IDLE_SECONDS_LEFT
from hfecs.aws.tags import ENDS_TAG, IDLE_TAG, NAME_TAG, OWNER_TAG, STACK_TAG, tags_of

if TYPE_CHECKING:
    from mypy_boto3_autoscaling import AutoScalingClient
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_ec2 import EC2Client

log = logging.getLogger(__name__)

GROUP_TAG = "aws:autoscaling:groupName"
# Seconds between two checks: this, or a tenth of the idle time if that is less.
LOOK_SECONDS = 30.0
SHARE_OF_LIMIT = 0.1


class IdleTime:
    """Accumulates idle seconds. Time before the first sample, and failed samples, do not count."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._last: float | None = None

    def look(self, idle: bool | None, now: float) -> None:
        """Record whether the cluster is idle, busy, or unknown."""
        if idle and self._last is not None:
            self.seconds += now - self._last
        elif idle is False:
            self.seconds = 0.0
        self._last = now if idle else None


@dataclass(frozen=True)
class TaggedMachine:
    """A machine outside the group: its id and its tags."""

    id: str
    tags: dict[str, str]

    @property
    def is_master(self) -> bool:
        """Whether this process runs on it."""
        return (self.tags.get(STACK_TAG), self.tags.get(NAME_TAG)) == ("cluster", "master")

    @property
    def idle_seconds(self) -> float:
        """The idle time after which the cluster ends, as tagged on the master; 0 means never."""
        try:
            return 60 * float(self.tags.get(IDLE_TAG, "0"))
        except ValueError:
            return 0.0


class IdleShutdown:
    """Watches the queue and the machines of a cluster, and ends the machines when it has been idle for too long."""

    def __init__(
        self,
        environ: Environment,
        queue: Callable[[], QueueNumbers],
        ec2: EC2Client,
        autoscaling: AutoScalingClient,
        metrics_api: CloudWatchClient,
    ) -> None:
        """Read CLUSTER_NAME, METRIC_NAMESPACE and AUTO_SCALING_GROUP."""
        self._cluster = environment.required(environ, "CLUSTER_NAME")
        self._namespace = environment.optional(environ, "METRIC_NAMESPACE", cloudwatch.NAMESPACE)
        self._group = environment.required(environ, "AUTO_SCALING_GROUP")
        self._queue = queue
        self._ec2, self._autoscaling, self._cloudwatch = ec2, autoscaling, metrics_api
        self._attempts = Attempts()
        self._idle = IdleTime()
        self._renewed = ""

    def start(self) -> None:
        """Check periodically, in a daemon thread."""
        threading.Thread(target=self._run, name="idle", daemon=True).start()

    def _run(self) -> None:
        while True:
            limit = self.look(time.monotonic())
            pause(min(LOOK_SECONDS, limit * SHARE_OF_LIMIT) if limit else LOOK_SECONDS)

    def look(self, now: float) -> float:
        """Check once, at the monotonic time `now`; returns the idle limit in seconds."""
        numbers = self._attempts.make("the broker's management, for the switch", self._queue)
        machines = self._attempts.make("EC2, for the switch", self._machines)
        master = next((machine for machine in machines or () if machine.is_master), None)
        if numbers is None or machines is None or master is None:
            self._idle.look(None, now)
            return 0.0
        self._idle.look(not (numbers.backlog or self._was_used(master, machines)), now)
        limit = master.idle_seconds
        if limit:
            left = max(0.0, limit - self._idle.seconds)
            self._attempts.make("CloudWatch, for the switch", lambda: self._tell(left))
            if not left:
                self._end(master, machines, limit)
        return limit

    def _was_used(self, master: TaggedMachine, machines: Sequence[TaggedMachine]) -> bool:
        """Whether a run is running, whose machine ends with it, or the deadline was renewed since the last check."""
        ends, before = master.tags.get(ENDS_TAG, ""), self._renewed
        self._renewed = ends
        return ends != before or any(machine.tags.get(STACK_TAG) == "run" for machine in machines)

    def _machines(self) -> list[TaggedMachine]:
        filters: Any = [
            {"Name": f"tag:{OWNER_TAG}", "Values": [self._cluster]},
            {"Name": "instance-state-name", "Values": ["pending", "running"]},
        ]
        pages = self._ec2.get_paginator("describe_instances").paginate(Filters=filters)
        instances = [one for page in pages for group in page["Reservations"] for one in group["Instances"]]
        machines = [TaggedMachine(one["InstanceId"], tags_of(one["Tags"])) for one in instances]
        return [machine for machine in machines if GROUP_TAG not in machine.tags]

    def _tell(self, left: float) -> None:
        cloudwatch.put(self._cloudwatch, self._namespace, self._cluster, {IDLE_SECONDS_LEFT: left}, datetime.now(UTC))

    def _end(self, master: TaggedMachine, machines: Sequence[TaggedMachine], limit: float) -> None:
        """End all machines, this one last; failures are retried at the next check."""
        log.info("no job and no run for %g minutes: the machines of cluster %s end", limit / 60, self._cluster)
        others = [machine.id for machine in machines if machine != master]
        kept: list[str] = []
        for whom, call in (
            ("Auto Scaling, for the switch", lambda: self._empty_group(kept)),
            ("EC2, for the other machines", lambda: self._terminate([*kept, *others])),
            ("EC2, for this machine", lambda: self._terminate([master.id])),
        ):
            if not self._attempts.make(whom, call):
                return

    def _empty_group(self, protected: list[str]) -> bool:
        """Remove all machines from the group, if it still exists; even protected ones, which are added to `protected`.

        A capacity provider protects a machine with a worker again, so EC2 has to terminate it.
        """
        answer = self._autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[self._group])
        group = next(iter(answer["AutoScalingGroups"]), None)
        if group is None:
            return True
        kept = [one["InstanceId"] for one in group["Instances"] if one["ProtectedFromScaleIn"]]
        for first in range(0, len(kept), AT_ONCE):
            self._autoscaling.set_instance_protection(
                AutoScalingGroupName=self._group, InstanceIds=kept[first : first + AT_ONCE], ProtectedFromScaleIn=False
            )
        self._autoscaling.update_auto_scaling_group(
            AutoScalingGroupName=self._group, MinSize=0, MaxSize=0, DesiredCapacity=0
        )
        protected += kept
        return True

    def _terminate(self, machines: Sequence[str]) -> bool:
        if machines:
            self._ec2.terminate_instances(InstanceIds=machines)
        return True
