"""The cluster at one glance: machines, services, alarms, queue, and how long the cluster will exist."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

from hfecs.aws import cloudwatch, prices
from hfecs.aws.cloudwatch import IDLE_SECONDS_LEFT
from hfecs.aws.errors import ignoring
from hfecs.aws.tags import ENDS_TAG, NAME_TAG, tags_of
from hfecs.blueprints import cluster, monitoring, run
from hfecs.errors import Leftover
from hfecs.observe.reasons import Reason, reasons
from hfecs.parallel import together
from hfecs.provisioning.deadline import moment
from hfecs.provisioning.inventory import Inventory
from hfecs.provisioning.stack import Module, Stack
from hfecs.provisioning.teardown import estranged, unlisted
from hfecs.resources import alarm, auto_scaling_group, instance, scheduled_action
from hfecs.runs import archive
from hfecs.runs.lookup import remembered

METRICS = {
    cloudwatch.QUEUE_LENGTH: "waiting",
    cloudwatch.JOBS_IN_FLIGHT: "held by workers",
    cloudwatch.BACKLOG: "both",
    cloudwatch.CONSUMERS: "workers listening",
}
# The most that DescribeContainerInstances takes at once.
AT_ONCE = 100
REMOVABLE = "it still exists: hfecs destroy removes it"


@dataclass(frozen=True)
class Overview:
    """The cluster's state in AWS."""

    cluster: str
    region: str
    machines: list[dict[str, str]]
    services: list[dict[str, Any]]
    alarms: list[dict[str, str]]
    queue: dict[str, float | None]
    run: str | None
    bucket: str | None
    time_left: TimeLeft
    run_state: str | None
    left: list[dict[str, str]] = field(default_factory=list)
    reasons: list[Reason] = field(default_factory=list)

    @property
    def exists(self) -> bool:
        """Whether anything exists."""
        return bool(self.machines or self.services)

    @property
    def usd_per_hour(self) -> float | None:
        """The approximate cost of its machines and alarms; None if the price of a machine is unknown."""
        machines = [prices.machine(one["type"], runs=one["state"] in ("pending", "running")) for one in self.machines]
        return prices.together([*machines, *[prices.HIGH_RESOLUTION_ALARM] * len(self.alarms)])

    def as_dict(self) -> dict[str, Any]:
        """The data of `--json`."""
        return asdict(self) | {"usd_per_hour": self.usd_per_hour}

    def machine_rows(self) -> list[list[str]]:
        """Name, id, type, state, address, registered."""
        return [list(machine.values()) for machine in self.machines]

    def service_rows(self) -> list[list[str]]:
        """Name, counts, last event."""
        return [[str(value) for value in service.values()] for service in self.services]

    def alarm_rows(self) -> list[list[str]]:
        """Name, state, reason."""
        return [list(known.values()) for known in self.alarms]

    def reason_lines(self) -> list[str]:
        """What AWS could not start, and why; nothing if there is nothing of the kind."""
        lines = [line for reason in self.reasons for line in reason.lines()]
        return ["What AWS could not start", *lines] if lines else []

    def left_rows(self) -> list[list[str]]:
        """What, cost, reason."""
        return [list(one.values()) for one in self.left]

    def queue_rows(self) -> list[list[str]]:
        """The number of jobs in each state."""
        return [[words, _number(self.queue[metric])] for metric, words in METRICS.items()]


def overview(stack: Stack, runs: Stack) -> Overview:
    """Ask AWS for all of it in parallel."""
    machines, services, registered, alarms, queue, left, state, told_by_aws = together(
        lambda: _machines(stack),
        lambda: _services(stack),
        lambda: _registered(stack, "cluster") | _registered(stack, "monitoring"),
        lambda: [found for found in alarm.survey(stack) if found.ours],
        lambda: cloudwatch.latest(stack.cloud, stack.cluster, [*METRICS], datetime.now(UTC)),
        lambda: look_at_time_left(stack),
        lambda: _run_state(runs),
        lambda: reasons(stack),
    )
    for machine in machines:
        machine["registered"] = "yes" if machine["id"] in registered else "not yet"
    told = [
        {
            "alarm": found.name,
            "state": str(found.actual["StateValue"]),
            "because": str(found.actual.get("StateReason", "")),
        }
        for found in alarms
    ]
    known = runs.outputs()
    # A cluster that stands is not searched for what it should not have: that is many calls, and destroy makes them.
    forgotten = [] if machines or services else [asdict(leftover) for leftover in _remnants(stack, runs)]
    return Overview(
        cluster=stack.cluster,
        region=stack.cloud.region,
        machines=machines,
        services=services,
        alarms=told,
        queue=queue,
        run=known.get("run"),
        bucket=known.get("bucket"),
        time_left=left,
        run_state=state,
        left=forgotten,
        reasons=told_by_aws,
    )


def _run_state(runs: Stack) -> str | None:
    """The state of the last run; None if there was none."""
    last = remembered(runs)
    return archive.state_of(runs, last) if last else None


def _machines(stack: Stack) -> list[dict[str, str]]:
    states = ["pending", "running", "stopping", "stopped", "shutting-down"]
    machines = instance.of_cluster(stack, {"Name": "instance-state-name", "Values": states})
    return [
        {
            "name": tags_of(machine.get("Tags")).get(NAME_TAG, ""),
            "id": machine["InstanceId"],
            "type": machine["InstanceType"],
            "state": machine["State"]["Name"],
            "address": machine.get("PublicIpAddress") or machine.get("PrivateIpAddress", ""),
        }
        for machine in sorted(machines, key=lambda item: str(item["LaunchTime"]))
    ]


def _services(stack: Stack) -> list[dict[str, Any]]:
    names = [stack.full_name(name) for name in ("master", "worker", "telegraf")]
    with ignoring("ClusterNotFoundException"):
        answer = stack.cloud.ecs.describe_services(cluster=stack.full_name("cluster"), services=names)
        return [
            {
                "service": service["serviceName"].removeprefix(stack.full_name("")),
                "running": service["runningCount"],
                "wanted": service["desiredCount"],
                "pending": service["pendingCount"],
                "event": next((event["message"] for event in service.get("events", [])), ""),
            }
            for service in answer["services"]
            if service["status"] != "INACTIVE"
        ]
    return []


def _registered(stack: Stack, name: str) -> set[str]:
    """The ids of the machines that have joined an ECS cluster."""
    cluster = stack.full_name(name)
    with ignoring("ClusterNotFoundException"):
        pages = stack.cloud.ecs.get_paginator("list_container_instances").paginate(cluster=cluster)
        arns = [arn for page in pages for arn in page["containerInstanceArns"]]
        groups = [arns[start : start + AT_ONCE] for start in range(0, len(arns), AT_ONCE)]
        return set().union(*together(*[partial(_joined, stack, cluster, group) for group in groups]))
    return set()


def _joined(stack: Stack, cluster: str, arns: list[str]) -> set[str]:
    answer = stack.cloud.ecs.describe_container_instances(cluster=cluster, containerInstances=arns)
    return {instance["ec2InstanceId"] for instance in answer["containerInstances"]}


def _number(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.0f}"


@dataclass(frozen=True)
class TimeLeft:
    """Seconds until the cluster shuts down at its deadline, and until it does if idle; None: unknown, or never.

    `switched_off` is the reason if it has already shut down, otherwise empty.
    """

    ends: str | None = None
    seconds: float | None = None
    idle_seconds: float | None = None
    switched_off: str = ""

    def sentences(self) -> list[str]:
        """The same as sentences."""
        if self.switched_off:
            return [f"This cluster has shut down: {self.switched_off}. Start it again: hfecs cluster up"]
        told = []
        if self.seconds is not None:
            told.append(
                f"Shuts down automatically in {duration_words(self.seconds)}, unless hfecs cluster up or run renews it."
            )
        if self.idle_seconds is not None:
            told.append(f"Shuts down automatically in {duration_words(self.idle_seconds)} if it stays idle.")
        return told


def look_at_time_left(stack: Stack) -> TimeLeft:
    """When the cluster shuts down; all unknown for one that does not exist."""
    now = datetime.now(UTC)
    machines, groups, actions, idle = together(
        lambda: {found.name: found for found in instance.survey(stack) if found.ours},
        lambda: [found for found in auto_scaling_group.survey(stack) if found.ours],
        lambda: list(scheduled_action.survey(stack)),
        lambda: cloudwatch.latest(stack.cloud, stack.cluster, [IDLE_SECONDS_LEFT], now)[IDLE_SECONDS_LEFT],
    )
    if "master" not in machines:
        emptied = any(found.actual["MaxSize"] == 0 for found in groups)
        return TimeLeft(switched_off=_end_reason(actions) if emptied else "")
    ends = tags_of(machines["master"].actual.get("Tags")).get(ENDS_TAG)
    end = moment(ends)
    return TimeLeft(ends, max(0.0, (end - now).total_seconds()) if end else None, idle)


def duration_words(seconds: float) -> str:
    """A duration to the minute, in words: 11 h 5 min."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(int(seconds // 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def _end_reason(actions: list[Any]) -> str:
    """Auto Scaling deletes an action once carried out: if one is still scheduled, it was not the reason."""
    return "it was idle" if actions else "its time was up, or it was idle"


def _remnants(stack: Stack, runs: Stack) -> list[Leftover]:
    """What the state file names of a cluster without machines: resources that lost their tags, or that a removal left.

    What runs leave for the next cluster, such as their task definition and their buckets, is not listed.
    """
    parts = [
        (replace(stack, inventory=Inventory()), cluster.TEARDOWN),
        (replace(runs, inventory=Inventory()), run.TEARDOWN_WITH_DATA),
        (replace(stack, name=monitoring.STACK, inventory=Inventory()), monitoring.TEARDOWN),
    ]
    with stack.cloud.coalescing.once():
        found = together(*(partial(_remnants_of, part, paragraphs) for part, paragraphs in parts))
    return [leftover for leftovers in found for leftover in leftovers]


def _remnants_of(stack: Stack, paragraphs: Sequence[Sequence[Module]]) -> list[Leftover]:
    recorded = {record.kind for record in stack.records}
    modules = [module for paragraph in paragraphs for module in paragraph if module.KIND in recorded]
    if not modules:
        return []
    stack.survey(modules, past_errors=True)
    failed = [leftover for module in modules for leftover in unlisted(stack, module)]
    removable = [
        Leftover(f"{record.kind} {record.name} ({record.id})", _cost_of(stack, module, record.name), REMOVABLE)
        for module in modules
        for record in stack.inventory.existing(module.KIND, stack.records)
        if stack.name != run.STACK and stack.seen(module.KIND, record.name)
    ]
    return [*failed, *estranged(stack, modules), *removable]


def _cost_of(stack: Stack, module: Module, name: str) -> str:
    known = stack.seen(module.KIND, name)
    return prices.words(prices.of(module.KIND, known.actual if known else None))
