"""Settings for demand planning, and the demand a run reports before its engine starts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from hfecs.aws.cloudwatch import DEMAND
from hfecs.config import Config
from hfecs.provisioning.stack import Stack
from hfecs.resources import alarm, auto_scaling_group, service


@dataclass(frozen=True)
class Ahead:
    """The workers' machines: their job slots, maximum number, seconds to boot, and current workers.

    `period` is that of the demand alarms, in seconds, `alarm` the name of the one that scales up.
    """

    cluster: str
    period: int
    slots: int
    most: int
    boot_seconds: int
    workers: int
    alarm: str

    def environment(self) -> dict[str, str]:
        """The environment variables of the engine agent for it."""
        return {
            "CLUSTER_NAME": self.cluster,
            "DEMAND_PERIOD": str(self.period),
            "SLOTS": str(self.slots),
            "MACHINES": str(self.most),
            "BOOT_SECONDS": str(self.boot_seconds),
        }


# Reports the demand of a run from now on, until its engine does; returns the engine's variables for taking over.
Announce = Callable[[Ahead], Callable[[], Mapping[str, str]]]


def silently(_: Ahead) -> Callable[[], Mapping[str, str]]:
    """Announce nothing."""
    return dict


def announced(ahead: Ahead | None, announce: Announce) -> Callable[[], Mapping[str, str]]:
    """Announce a run if the cluster plans ahead; returns what the engine agent has to know for it."""
    if ahead is None:
        return dict
    told = announce(ahead)
    return lambda: {**ahead.environment(), **told()}


def ahead(whole: Stack, config: Config, workers: Any) -> Ahead | None:
    """Taken from the survey of the cluster and its workers' task definition; None if no alarm uses the demand."""
    seen = whole.seen(alarm.KIND, "jobs-wait")
    group, running = whole.seen(auto_scaling_group.KIND, "workers"), whole.seen(service.KIND, "worker")
    if not (seen and group and seen.actual.get("MetricName") == DEMAND):
        return None
    environment = {pair["name"]: pair["value"] for pair in workers["containerDefinitions"][0]["environment"]}
    return Ahead(
        cluster=whole.cluster,
        period=int(seen.actual["Period"]),
        slots=int(environment["THREADS"]),
        most=max(1, int(group.actual["MaxSize"])),
        boot_seconds=config.scaling.boot_seconds,
        workers=int(running.actual["runningCount"]) if running else 0,
        alarm=seen.id,
    )
