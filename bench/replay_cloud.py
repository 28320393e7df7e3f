"""The cloud of a replay: machines that boot, cost and go, and alarms whose policies change how many are wanted.

The decisions are the local cloud's own: hfecs.local.scaling.alarms and hfecs.local.scaling.step_policies.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count

from hfecs.local.scaling.alarms import ALARM, INSUFFICIENT_DATA, Rule, datapoints, evaluate, evaluation_cadence
from hfecs.local.scaling.step_policies import Bounds, Cooldown, Policy, cooled, group_capacity, service_capacity

TICK = 10.0  # seconds between two looks of CloudWatch at high-resolution alarms
ACTION_EVERY = 60.0  # seconds after which a lasting alarm acts again
LEAST_BILLED = 60.0  # seconds of an instance


@dataclass(frozen=True)
class Settings:
    """The machines of a replay; times in seconds, the price in dollars an hour.

    After `idle` seconds without a job a machine may go; the metrics are published every `notifier` seconds.
    """

    boot: float = 150.0
    slots: int = 2
    most: int = 20
    price: float = 0.023
    idle: float = 5.0
    notifier: float = 10.0


@dataclass(eq=False)
class Machine:
    """A machine with its worker: `ready` when both are up, `gone` when it was ended; `busy` slots of it run jobs."""

    number: int
    launched: float
    ready: float
    gone: float | None = None
    busy: int = 0
    idle_since: float = 0.0

    def billed(self, end: float) -> float:
        """The seconds that are paid for, up to `end`."""
        until = end if self.gone is None else min(self.gone, end)
        return max(LEAST_BILLED, until - self.launched) if until > self.launched else 0.0


@dataclass(frozen=True)
class Watch:
    """An alarm with what it sets off: policies of the group, and of the service unless workers follow the machines."""

    metric: str
    rule: Rule
    group: Policy
    service: Policy | None
    warmup: float
    cooldown: float = 0.0


@dataclass
class Watched:
    """What is remembered of an alarm."""

    watch: Watch
    state: str = INSUFFICIENT_DATA
    acted: float = 0.0
    value: float = 0.0
    cooldown: Cooldown = field(default_factory=Cooldown)
    samples: list[tuple[float, float]] = field(default_factory=list)


class Cloud:
    """A group of machines, a service of one worker on each, and the alarms that change both, or only the group.

    A counted service is modelled without ECS's throttle, which helps the original's policy.
    """

    def __init__(self, settings: Settings, watches: list[Watch], machines: int = 0) -> None:
        self.settings = settings
        self.machines: list[Machine] = []
        self.desired = self.workers_desired = machines
        self._bounds = Bounds(machines, settings.most)
        self._follows_machines = all(watch.service is None for watch in watches)
        self._watched = [Watched(watch) for watch in watches]
        self._numbers = count()

    def publish(self, now: float, values: Mapping[str, float]) -> None:
        """Put values of metrics into CloudWatch."""
        for watched in self._watched:
            if watched.watch.metric in values:
                watched.samples.append((now, values[watched.watch.metric]))

    def look(self, now: float) -> None:
        """Evaluate the alarms; those in ALARM act at once, and again after a minute."""
        for watched in self._watched:
            rule = watched.watch.rule
            if now % evaluation_cadence(rule.period, TICK):
                continue
            del watched.samples[: -rule.look_back * rule.period]
            verdict = evaluate(rule, datapoints(watched.samples, rule, now), watched.state)
            watched.value = watched.value if verdict.value is None else verdict.value
            changed = verdict.state != watched.state
            watched.state = verdict.state
            if watched.state == ALARM and (changed or now - watched.acted >= ACTION_EVERY):
                watched.acted = now
                self._act(watched, now)

    def _act(self, watched: Watched, now: float) -> None:
        watch, distance = watched.watch, watched.value - watched.watch.rule.threshold
        there = self.there()
        warming = sum(machine.launched + watch.warmup > now for machine in there)
        self.desired = group_capacity(watch.group, self.desired, warming, distance, self._bounds)
        if watch.service is None:
            return
        running = min(self.workers_desired, sum(machine.ready <= now for machine in there))
        cooling = watched.cooldown if now - watched.cooldown.since < watch.cooldown else None
        before = self.workers_desired
        after = service_capacity(watch.service, running, before, distance, self._bounds, cooling)
        watched.cooldown = cooled(watched.cooldown, before, after, running, now)
        self.workers_desired = after

    def converge(self, now: float) -> list[Machine]:
        """End machines that nobody wants and that have been idle for a while; launch and return the missing ones."""
        there = self.there()
        idle = [machine for machine in there if self._is_free(machine, now)]
        for machine in idle[: max(0, len(there) - self.desired)]:
            machine.gone = now
        launched = [
            Machine(next(self._numbers), now, now + self.settings.boot) for _ in range(self.desired - len(there))
        ]
        self.machines += launched
        return launched

    def _is_free(self, machine: Machine, now: float) -> bool:
        """Workers protect their machine from their start until they have been idle for a while."""
        return not machine.busy and now >= max(machine.ready, machine.idle_since) + self.settings.idle

    def there(self) -> list[Machine]:
        """The machines that were launched and not ended, oldest first."""
        return [machine for machine in self.machines if machine.gone is None]

    def working(self, now: float) -> list[Machine]:
        """The machines with a worker."""
        up = [machine for machine in self.there() if machine.ready <= now]
        return up if self._follows_machines else up[: self.workers_desired]
