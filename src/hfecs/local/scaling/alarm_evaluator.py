"""Evaluate alarms on time, as CloudWatch does, and carry out their scaling actions.

Alarms, and policies of EC2 Auto Scaling and Application Auto Scaling, are read as moto keeps them. The arithmetic is in
the pure functions of alarms and step_policies.
"""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from hfecs.local.data_plane.auto_scaling_groups import AutoScalingGroups, suspended
from hfecs.local.data_plane.shared import SharedState, utc_now
from hfecs.local.scaling.alarms import ALARM, INSUFFICIENT_DATA, OK, Rule, datapoints, evaluate, evaluation_cadence
from hfecs.local.scaling.step_policies import Bounds, Cooldown, Policy, Step, cooled, group_capacity, service_capacity

TICK = 10.0  # seconds: how often CloudWatch evaluates high-resolution alarms
REPEAT = 6  # ticks until the scaling action of an alarm still in ALARM is repeated: one minute
METRICS_KEPT = 3 * 3600  # seconds: how long CloudWatch keeps high-resolution data
ACTIONS = {OK: "ok_actions", ALARM: "alarm_actions", INSUFFICIENT_DATA: "insufficient_data_actions"}

DEFAULT_COOLDOWN = 300  # seconds
ACTIVITIES_KEPT = 100


class AlarmEvaluator:
    """Alarm evaluation in all regions."""

    def __init__(self, cloud: SharedState, actions: Actions) -> None:
        self.cloud = cloud
        self.actions = actions
        self.tick = float(os.environ.get("HFECS_LOCAL_TICK", TICK))
        self.turns: dict[str, int] = {}
        self.acted: dict[str, float] = {}
        self.values: dict[str, float] = {}

    def step(self, now: float) -> None:
        """Evaluate the alarms that are due; `now` in seconds since 1970."""
        for region, backend in self.cloud.regions("cloudwatch"):
            for alarm in list(backend.alarms.values()):
                if alarm.metric_name and alarm.rule is None and self._is_due(alarm, now):
                    self._evaluate(region, backend, alarm, now)

    def act(self, region: str, alarm: Any) -> None:
        """Run the alarm's actions for its current state."""
        self.acted[alarm.alarm_arn] = time.time()
        threshold = float(alarm.threshold)
        trigger = Trigger(region, alarm.name, self.values.get(alarm.alarm_arn, threshold) - threshold)
        for action in getattr(alarm, ACTIONS[alarm.state_value]) or [] if alarm.actions_enabled else []:
            self.actions.carry_out(action, trigger)

    def _is_due(self, alarm: Any, now: float) -> bool:
        turn = int(now // evaluation_cadence(int(alarm.period), self.tick))
        due = self.turns.get(alarm.alarm_arn) != turn
        self.turns[alarm.alarm_arn] = turn
        return due

    def _evaluate(self, region: str, backend: Any, alarm: Any, now: float) -> None:
        while backend.metric_data and epoch(backend.metric_data[0].timestamp) < now - METRICS_KEPT:
            del backend.metric_data[0]
        rule = rule_of(alarm)
        cadence = evaluation_cadence(rule.period, self.tick)
        points = datapoints(samples_of(backend.metric_data, alarm), rule, now // cadence * cadence)
        verdict = evaluate(rule, points, alarm.state_value)
        if verdict.value is not None:
            self.values[alarm.alarm_arn] = verdict.value
        lasting = verdict.state == ALARM and now - self.acted.get(alarm.alarm_arn, 0.0) >= REPEAT * self.tick
        changed = verdict.state != alarm.state_value
        if changed:
            alarm.update_state(verdict.reason, "{}", verdict.state)
        if changed or lasting:
            self.act(region, alarm)


@dataclass(frozen=True)
class Trigger:
    """An alarm that triggers a policy, and the metric's distance from the threshold."""

    region: str
    alarm_name: str
    distance: float


class Actions:
    """The policies of all groups and services."""

    def __init__(self, cloud: SharedState, groups: AutoScalingGroups) -> None:
        self.cloud = cloud
        self.groups = groups
        self.cooldowns: dict[str, Cooldown] = {}

    def carry_out(self, arn: str, trigger: Trigger) -> None:
        """Carry out the policy of that ARN; other actions (mails, lambdas) do nothing here."""
        if ":autoScalingGroupName/" in arn:
            self._scale_group(arn, trigger)
        elif ":resource/ecs/" in arn:
            self._scale_service(arn, trigger)

    def _scale_group(self, arn: str, trigger: Trigger) -> None:
        backend = self.cloud.backend("autoscaling", trigger.region)
        policy = next((policy for policy in backend.policies.values() if policy.arn == arn), None)
        group = backend.autoscaling_groups.get(policy.auto_scaling_group_name) if policy else None
        if policy is None or group is None or "AlarmNotification" in suspended(group):
            return
        if policy.policy_type == "SimpleScaling" and self._cooling(arn, float(policy.cooldown)):
            return
        before = int(group.desired_capacity or 0)
        after = group_capacity(
            group_policy(policy), before, self._warming(group, policy), trigger.distance, _bounds(group)
        )
        if after != before:
            self.cooldowns[arn] = Cooldown(time.time())
            text = f"a monitor alarm {trigger.alarm_name} in state ALARM triggered policy {policy.name}"
            self.groups.change(group, after, f"{text} changing the desired capacity from {before} to {after}")

    def _warming(self, group: Any, policy: Any) -> int:
        if policy.policy_type == "SimpleScaling":
            return 0
        return self.groups.warming(group, float(policy.estimated_instance_warmup or group.default_cooldown))

    def _scale_service(self, arn: str, trigger: Trigger) -> None:
        backend = self.cloud.backend("applicationautoscaling", trigger.region)
        policy = next((policy for policy in backend.policies.values() if policy.policy_arn == arn), None)
        target = backend.targets.get(policy.scalable_dimension, {}).get(policy.resource_id) if policy else None
        service = service_of(self.cloud, trigger.region, policy.resource_id) if policy else None
        if policy is None or target is None or service is None or service.status != "ACTIVE":
            return
        settings = policy.step_scaling_policy_configuration or {}
        known = self._cooling(arn, float(settings.get("Cooldown", DEFAULT_COOLDOWN)))
        before, running = int(service.desired_count), int(service.running_count)
        bounds = Bounds(int(target.min_capacity), int(target.max_capacity))
        after = service_capacity(service_policy(settings), running, before, trigger.distance, bounds, known)
        if after == before or (after < before and len(service.deployments) > 1):
            return
        self.cooldowns[arn] = cooled(self.cooldowns.get(arn, Cooldown()), before, after, running, time.time())
        service.desired_count, service.steady = after, False
        cause = f"monitor alarm {trigger.alarm_name} in state ALARM triggered policy {policy.policy_name}"
        _note(backend, policy, f"Setting desired count to {after}.", cause)
        self.cloud.wake()

    def _cooling(self, arn: str, seconds: float) -> Cooldown | None:
        known = self.cooldowns.get(arn)
        return known if known and time.time() - known.since < seconds else None


def service_of(cloud: SharedState, region: str, resource_id: str) -> Any:
    """The ECS service of a resource id like service/CLUSTER/NAME, or None."""
    kind, _, rest = resource_id.partition("/")
    cluster, _, name = rest.partition("/")
    return cloud.backend("ecs", region).services.get(f"{cluster}:{name}") if kind == "service" else None


def _bounds(group: Any) -> Bounds:
    return Bounds(int(group.min_size), int(group.max_size))


def _note(backend: Any, policy: Any, description: str, cause: str) -> None:
    now = utc_now()
    activity = {
        "ActivityId": str(uuid.uuid4()),
        "ServiceNamespace": "ecs",
        "ResourceId": policy.resource_id,
        "ScalableDimension": policy.scalable_dimension,
        "Description": description,
        "Cause": cause,
        "StartTime": now,
        "EndTime": now,
        "StatusCode": "Successful",
    }
    backend.__dict__.setdefault("activities", []).insert(0, activity)
    del backend.activities[ACTIVITIES_KEPT:]


def rule_of(alarm: Any) -> Rule:
    """What a CloudWatch alarm watches."""
    periods = int(alarm.evaluation_periods)
    return Rule(
        comparison=alarm.comparison_operator,
        threshold=float(alarm.threshold),
        period=int(alarm.period),
        periods=periods,
        needed=int(alarm.datapoints_to_alarm or periods),
        statistic=alarm.statistic or "Average",
        missing=alarm.treat_missing_data or "missing",
    )


def samples_of(metric_data: list[Any], alarm: Any) -> Iterator[tuple[float, float]]:
    """Time and value of the data for an alarm: same namespace, name, unit and exactly the same dimensions."""
    wanted = {(dimension.name, dimension.value) for dimension in alarm.dimensions}
    for datum in metric_data:
        if datum.name != alarm.metric_name or datum.namespace != alarm.namespace:
            continue
        if (alarm.unit and datum.unit != alarm.unit) or {(d.name, d.value) for d in datum.dimensions} != wanted:
            continue
        value = datum.value if hasattr(datum, "value") else datum.sum / datum.sample_count
        yield epoch(datum.timestamp), float(value)


def group_policy(policy: Any) -> Policy:
    """An EC2 Auto Scaling policy; a simple one is a single step without bounds."""
    if policy.policy_type == "SimpleScaling":
        return Policy(policy.adjustment_type, (Step(None, None, int(policy.scaling_adjustment)),))
    return Policy(policy.adjustment_type, _steps(policy.step_adjustments), int(policy.min_adjustment_magnitude or 0))


def service_policy(settings: dict[str, Any]) -> Policy:
    """A StepScalingPolicyConfiguration of Application Auto Scaling."""
    steps = _steps(settings.get("StepAdjustments") or [])
    return Policy(settings["AdjustmentType"], steps, int(settings.get("MinAdjustmentMagnitude") or 0))


def epoch(moment: Any) -> float:
    """Seconds since 1970; moto's times without a zone are UTC."""
    return float((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


def _steps(steps: list[dict[str, Any]]) -> tuple[Step, ...]:
    return tuple(
        Step(
            _number(step.get("MetricIntervalLowerBound")),
            _number(step.get("MetricIntervalUpperBound")),
            int(step["ScalingAdjustment"]),
        )
        for step in steps
    )


def _number(value: Any) -> float | None:
    return None if value is None else float(value)
