"""Why a machine or a task does not come, as AWS tells it: launches, machines, tasks, and placements that failed.

Each look is a question of its own. One that fails, for example for lack of a permission, costs its reasons only, and
says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from hfecs.aws.errors import explain, ignoring, one_or_several, passable
from hfecs.aws.reasons import known
from hfecs.aws.tags import NAME_TAG, tags_of
from hfecs.errors import HfecsError
from hfecs.parallel import together
from hfecs.provisioning.stack import Stack
from hfecs.resources import instance

# A group without room tries again for hours, ever more seldom; ECS shows stopped tasks and EC2 ended machines for one.
LAUNCHES_KEPT = timedelta(hours=6)
TASKS_KEPT = timedelta(hours=1)
# A service that has all its tasks, and whose last one failed longer ago than this, has recovered.
RECOVERED_AFTER = timedelta(minutes=2)
# The most that ListTasks returns, and DescribeTasks takes, at once.
AT_ONCE = 100

FAILED = ("Failed", "Cancelled")
LAUNCHING = "Launching a new EC2 instance"
ENDED = ("shutting-down", "terminated")
# A machine that ended like this was told to, or was a spot machine that AWS took back.
ORDERLY = (
    "Client.UserInitiatedShutdown",
    "Client.InstanceInitiatedShutdown",
    "Client.InstanceTerminated",
    "Server.ScheduledStop",
    "Server.SpotInstanceShutdown",
    "Server.SpotInstanceTermination",
)
KILLED = 137
SERVICES = {"cluster": ("master", "worker", "telegraf"), "monitoring": ("monitoring",)}


@dataclass(frozen=True)
class Reason:
    """Why something does not come: what, since when (ISO 8601), AWS's words, and ours with a hint if they are known."""

    what: str
    when: str
    said: str
    sentence: str = ""
    hint: str = ""

    def text(self) -> str:
        """The reason on one line."""
        return f"{self.what}: {self.sentence} (AWS: {self.said})" if self.sentence else f"{self.what}: {self.said}"

    def lines(self) -> list[str]:
        """The reason, and its hint if there is one."""
        return [self.text(), *([f"  hint: {self.hint}"] if self.hint else [])]


def reasons(stack: Stack) -> list[Reason]:
    """Everything that AWS says about what does not come, newest first within a kind; the looks run in parallel."""
    now = datetime.now(UTC)
    found = together(
        partial(_asked, "worker machines", partial(_launches, stack, now)),
        partial(_asked, "machines", partial(_machines, stack)),
        *(partial(_asked, f"tasks of the {part}", partial(_tasks, stack, part, now)) for part in SERVICES),
    )
    return [reason for part in found for reason in part]


def lines_of(stack: Stack) -> list[str]:
    """The reasons line by line; if AWS names none, where to look."""
    lines = [line for reason in reasons(stack) for line in reason.lines()]
    return lines or ["AWS names no reason: hfecs status shows which machines have joined the cluster"]


def reason_of(what: str, when: datetime | None, said: str) -> Reason:
    """A reason in AWS's words, with its sentence and hint if they are known."""
    one_line = " ".join(said.split())
    reason = known(one_line)
    since = when.astimezone(UTC).isoformat(timespec="seconds") if when else ""
    return Reason(what, since, one_line.rstrip("."), *((reason.sentence, reason.hint) if reason else ()))


def _asked(what: str, look: Callable[[], Iterable[Reason]]) -> list[Reason]:
    """What a look finds; if it cannot be made, the reason for that. Credentials that AWS refuses stay an error."""
    try:
        return [*look()]
    except one_or_several() as error:
        if not passable(error):
            raise
        told = error if isinstance(error, HfecsError) else explain(error)
        return [Reason(what, "", f"AWS could not be asked for reasons: {told or error}", "", told.hint if told else "")]


def _launches(stack: Stack, now: datetime) -> Iterator[Reason]:
    """The launches of the workers' group that have failed since the last one that succeeded; each cause once."""
    answer: Any = {"Activities": []}
    with ignoring("ValidationError"):  # no such group
        answer = stack.cloud.autoscaling.describe_scaling_activities(AutoScalingGroupName=stack.full_name("workers"))
    told: set[str] = set()
    for activity in answer["Activities"]:
        if not activity["Description"].startswith(LAUNCHING) or now - activity["StartTime"] > LAUNCHES_KEPT:
            continue
        if activity["StatusCode"] == "Successful":
            return
        said = str(activity.get("StatusMessage", "")).removesuffix(" Launching EC2 instance failed.")
        if activity["StatusCode"] in FAILED and (reason := reason_of("worker machines", None, said)).text() not in told:
            told.add(reason.text())
            yield reason_of("worker machines", activity["StartTime"], said or "a launch failed without a reason")


def _machines(stack: Stack) -> Iterator[Reason]:
    """The machines that ended without being told to, unless another of that name came after."""
    newest: dict[str, Any] = {}
    for machine in sorted(instance.of_cluster(stack), key=lambda one: str(one["LaunchTime"])):
        newest[tags_of(machine.get("Tags")).get(NAME_TAG, "")] = machine
    for name, machine in newest.items():
        if end := end_of(machine):
            yield reason_of(f"machine {name} ({machine['InstanceId']})", machine["LaunchTime"], end)


def end_of(machine: Any) -> str:
    """Why EC2 ended a machine, in its words; empty if it has not ended, or was told to end.

    EC2's code and the words may name different causes: a full quota of disks is an internal error by its code.
    """
    state = machine.get("StateReason") or {}
    code, said = str(state.get("Code", "")), str(state.get("Message", ""))
    if machine["State"]["Name"] not in ENDED or code in ORDERLY or said.startswith(ORDERLY) or not (code or said):
        return ""
    return said or code


def _tasks(stack: Stack, part: str, now: datetime) -> Iterator[Reason]:
    """Of each service, and of the runs, the newest task that did not start or did not end well, or no place for it."""
    services, stopped = together(partial(_services, stack, part), partial(_stopped, stack, part))
    newest: dict[str, Any] = {}
    for task in sorted(stopped, key=lambda one: str(one.get("stoppedAt") or one.get("stoppingAt") or "")):
        newest[task["group"]] = task
    for group, task in newest.items():
        when = task.get("stoppedAt") or task.get("stoppingAt") or now
        recovered = _has_all(services.get(group)) and now - when > RECOVERED_AFTER
        if now - when < TASKS_KEPT and not recovered and (said := failure_of(task)):
            yield reason_of(_name(stack, group), when, said)
    for group, service in services.items():
        event = next(iter(service.get("events", [])), None)
        if event and "unable to" in event["message"] and group not in newest and not _has_all(service):
            yield reason_of(_name(stack, group), event["createdAt"], event["message"])


def _services(stack: Stack, part: str) -> dict[str, Any]:
    names = [stack.full_name(name) for name in SERVICES[part]]
    with ignoring("ClusterNotFoundException"):
        answer: Any = stack.cloud.ecs.describe_services(cluster=stack.full_name(part), services=names)
        known_ones = [service for service in answer["services"] if service["status"] != "INACTIVE"]
        return {f"service:{service['serviceName']}": service for service in known_ones}
    return {}


def _stopped(stack: Stack, part: str) -> list[Any]:
    """The tasks that ended within the last hour, as far as one answer holds them."""
    cluster = stack.full_name(part)
    with ignoring("ClusterNotFoundException"):
        arns = stack.cloud.ecs.list_tasks(cluster=cluster, desiredStatus="STOPPED", maxResults=AT_ONCE)["taskArns"]
        if arns:
            return list(stack.cloud.ecs.describe_tasks(cluster=cluster, tasks=arns)["tasks"])
    return []


def failure_of(task: Any) -> str:
    """Why a task did not start, or ended badly, in the words of ECS; empty if it ended as it should.

    The engine of a workflow that failed ends with an exit code too, which its result explains: of tasks outside
    services only a start that failed, or a kill, counts.
    """
    containers = task.get("containers", [])
    kept = [
        f"{container['name']}: {container['reason']}"
        for container in containers
        if container.get("reason") and container["reason"] not in task.get("stoppedReason", "")
    ]
    codes = [f"{one['name']}: exit code {one['exitCode']}" for one in containers if one.get("exitCode")]
    killed = any(one.get("exitCode") == KILLED for one in containers)
    if task.get("stopCode") == "TaskFailedToStart":
        return "; ".join([task.get("stoppedReason", ""), *kept])
    exited = task.get("stopCode") == "EssentialContainerExited"
    of_service = str(task.get("group", "")).startswith("service:")
    if exited and (killed or kept or (codes and of_service)):
        return "; ".join([task.get("stoppedReason", ""), *kept, *codes])
    return ""


def _has_all(service: Any) -> bool:
    return bool(service and service["runningCount"] >= service["desiredCount"])


def _name(stack: Stack, group: str) -> str:
    kind, _, name = group.partition(":")
    return f"{'service' if kind == 'service' else 'task'} {name.removeprefix(stack.full_name(''))}"
