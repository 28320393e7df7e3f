"""Wait until a part of the cluster answers: say how long each step took, and end with AWS's reasons if it cannot come.

The steps are a machine that EC2 launched, that machine in the ECS cluster, the images pulled, the containers running,
and an answer on the part's port. Their times are AWS's own, also of a part that has been running for hours; only the
answer is measured here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from hfecs.aws.errors import ignoring
from hfecs.aws.tags import NAME_TAG
from hfecs.blueprints import broker
from hfecs.blueprints.metrics import MONITORING
from hfecs.config import Config
from hfecs.errors import AwsFailed, TimedOut
from hfecs.observe.monitoring import grafana_answers
from hfecs.observe.reasons import ENDED, Reason, end_of, failure_of, lines_of, reason_of
from hfecs.provisioning.inventory import Inventory
from hfecs.provisioning.stack import Stack
from hfecs.resources import instance

LIMIT_SECONDS = 900.0
LOOK_SECONDS = 3.0
# A start that failed once may have met a registry that was busy; ECS tries it again at once.
STARTS_THAT_FAIL = 2


@dataclass(frozen=True)
class Part:
    """What is waited for: the name of its machine and service, its words, and whether it answers.

    Without `answers` the part is ready when its containers are running; one that `has_task` not, with its machine.
    """

    name: str
    words: str
    answers: Callable[[], bool] | None
    has_task: bool = True


def of_broker(stack: Stack, config: Config, say: Callable[[str], None]) -> None:
    """Wait until the broker of the cluster lets this machine log in."""

    def answering() -> bool:
        from hfecs.messaging.connection import answers

        return answers(broker.for_people(_anew(stack), config))

    asked = answering if config.network.admin_cidrs else None
    wait_until_ready(stack, Part("master", "the broker", asked, has_task=config.cluster.master_count > 0), say)


def of_grafana(stack: Stack, config: Config, say: Callable[[str], None]) -> None:
    """Wait until Grafana answers this machine."""
    asked = (lambda: grafana_answers(_anew(stack), config)) if config.network.admin_cidrs else None
    wait_until_ready(stack, Part(MONITORING, "Grafana", asked), say)


def _anew(stack: Stack) -> Stack:
    """The stack as a later command has it: a machine that is replaced has another address."""
    return replace(stack, inventory=Inventory())


def wait_until_ready(stack: Stack, part: Part, say: Callable[[str], None], limit: float = LIMIT_SECONDS) -> None:
    """Wait for the part; AwsFailed if its machine has ended or its task does not start, TimedOut after the limit."""
    watch = _Watch(stack, part, say, datetime.now(UTC))
    try:
        stack.wait.until(watch.ready, what=f"{part.words} to answer", timeout=limit, every=LOOK_SECONDS)
    except TimedOut as error:
        raise TimedOut(error.message, "\n".join([*lines_of(stack), error.hint])) from error


class _Watch:
    """The steps of a part, each said once."""

    def __init__(self, stack: Stack, part: Part, say: Callable[[str], None], begun: datetime) -> None:
        self._stack, self._part, self._say, self._begun = stack, part, say, begun
        self._running_since = begun
        self._said: set[str] = set()

    def ready(self) -> bool:
        """Whether the part answers; says the steps that were reached since the last look."""
        machine = self._machine()
        if machine is None:
            return False
        if machine["State"]["Name"] in ENDED:
            said = end_of(machine) or "it was terminated"
            raise _failed(reason_of(f"machine {self._part.name} ({machine['InstanceId']})", None, said))
        self._step("machine launched", None, machine["LaunchTime"])
        joined = self._joined_at(machine["InstanceId"])
        if joined is None:
            return False
        self._step("in the ECS cluster", machine["LaunchTime"], joined)
        return not self._part.has_task or (self._is_running(joined) and self._answers())

    def _is_running(self, joined: datetime) -> bool:
        """Whether the task of the part is running."""
        task = self._task("RUNNING")
        if task is None or task["lastStatus"] != "RUNNING":
            self._refuse_failures()
            return False
        started, pulled = task.get("pullStartedAt"), task.get("pullStoppedAt")
        if started and pulled:
            self._step("task placed", joined, started)
            self._step("images pulled", started, pulled)
        self._step("containers running", pulled or joined, task["startedAt"])
        self._running_since = task["startedAt"]
        return True

    def _answers(self) -> bool:
        if self._part.answers is None:
            self._say(f"  {self._part.words}: not tried, because it admits no address outside (network.admin_cidrs)")
            return True
        if not self._part.answers():
            return False
        self._step(f"{self._part.words} answers", max(self._running_since, self._begun), datetime.now(UTC))
        return True

    def _refuse_failures(self) -> None:
        """AwsFailed if the task of the part has failed to start, or ended badly, again since the wait began."""
        failed = [task for task in self._tasks("STOPPED") if failure_of(task) and _end(task) >= self._begun]
        if len(failed) >= STARTS_THAT_FAIL:
            last = max(failed, key=_end)
            raise _failed(reason_of(f"service {self._part.name}", _end(last), failure_of(last)))

    def _machine(self) -> Any:
        machines = instance.of_cluster(self._stack, {"Name": f"tag:{NAME_TAG}", "Values": [self._part.name]})
        return max(machines, key=lambda machine: machine["LaunchTime"], default=None)

    def _joined_at(self, instance_id: str) -> datetime | None:
        """When the machine registered with the ECS cluster; None if it has not."""
        cluster, ecs = self._stack.ecs_cluster, self._stack.cloud.ecs
        with ignoring("ClusterNotFoundException"):
            for page in ecs.get_paginator("list_container_instances").paginate(cluster=cluster):
                if named := page["containerInstanceArns"]:
                    known: Any = ecs.describe_container_instances(cluster=cluster, containerInstances=named)
                    for one in known["containerInstances"]:
                        if one["ec2InstanceId"] == instance_id:
                            return one.get("registeredAt") or datetime.now(UTC)
        return None

    def _task(self, state: str) -> Any:
        return max(self._tasks(state), key=lambda task: task["createdAt"], default=None)

    def _tasks(self, state: Any) -> list[Any]:
        cluster, name = self._stack.ecs_cluster, self._stack.full_name(self._part.name)
        with ignoring("ClusterNotFoundException", "ServiceNotFoundException"):
            ecs = self._stack.cloud.ecs
            arns = ecs.list_tasks(cluster=cluster, serviceName=name, desiredStatus=state)["taskArns"]
            return list(ecs.describe_tasks(cluster=cluster, tasks=arns)["tasks"]) if arns else []
        return []

    def _step(self, what: str, before: datetime | None, at: datetime) -> None:
        """Say a step once, with how long it took from the one before."""
        if what not in self._said:
            self._said.add(what)
            took = f"after {max(0.0, (at - before).total_seconds()):.0f} s" if before else f"at {at:%H:%M:%S} UTC"
            self._say(f"  {what} {took}")


def _end(task: Any) -> datetime:
    end: datetime = task.get("stoppedAt") or task.get("stoppingAt") or task["createdAt"]
    return end


def _failed(reason: Reason) -> AwsFailed:
    hint = reason.hint or "hfecs status shows what AWS could not start"
    return AwsFailed(f"{reason.text()}.", hint)
