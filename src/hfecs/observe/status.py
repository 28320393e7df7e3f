"""The cluster at a glance: machines, services, alarms, queue."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

from hfecs.aws import cloudwatch, prices
from hfecs.aws.errors import ignoring
from hfecs.aws.tags import NAME_TAG, OWNER_TAG, tags_of
from hfecs.observe import remnants, time_left
from hfecs.observe.time_left import TimeLeft
from hfecs.parallel import together
from hfecs.provisioning.stack import Stack
from hfecs.resources import alarm
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

    def left_rows(self) -> list[list[str]]:
        """What, cost, reason."""
        return [list(one.values()) for one in self.left]

    def queue_rows(self) -> list[list[str]]:
        """The number of jobs in each state."""
        return [[words, _number(self.queue[metric])] for metric, words in METRICS.items()]


def overview(stack: Stack, runs: Stack) -> Overview:
    """Ask AWS for all of it in parallel."""
    machines, services, registered, alarms, queue, left, state = together(
        lambda: _machines(stack),
        lambda: _services(stack),
        lambda: _registered(stack, "cluster") | _registered(stack, "monitoring"),
        lambda: [found for found in alarm.survey(stack) if found.ours],
        lambda: cloudwatch.latest(stack.cloud, stack.cluster, [*METRICS], datetime.now(UTC)),
        lambda: time_left.look(stack),
        lambda: _run_state(runs),
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
    last = known.get("run"), known.get("bucket"), left, state
    # A cluster that stands is not searched for what it should not have: that is many calls, and destroy makes them.
    forgotten = [] if machines or services else [asdict(leftover) for leftover in remnants.look(stack, runs)]
    return Overview(stack.cluster, stack.cloud.region, machines, services, told, queue, *last, forgotten)


def _run_state(runs: Stack) -> str | None:
    """The state of the last run; None if there was none."""
    last = remembered(runs)
    return archive.state_of(runs, last) if last else None


def _machines(stack: Stack) -> list[dict[str, str]]:
    filters: Any = [
        {"Name": f"tag:{OWNER_TAG}", "Values": [stack.cluster]},
        {"Name": "instance-state-name", "Values": ["pending", "running", "stopping", "stopped", "shutting-down"]},
    ]
    pages = stack.cloud.ec2.get_paginator("describe_instances").paginate(Filters=filters)
    instances: list[Any] = [item for page in pages for group in page["Reservations"] for item in group["Instances"]]
    return [
        {
            "name": tags_of(instance.get("Tags")).get(NAME_TAG, ""),
            "id": instance["InstanceId"],
            "type": instance["InstanceType"],
            "state": instance["State"]["Name"],
            "address": instance.get("PublicIpAddress") or instance.get("PrivateIpAddress", ""),
        }
        for instance in sorted(instances, key=lambda item: str(item["LaunchTime"]))
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
