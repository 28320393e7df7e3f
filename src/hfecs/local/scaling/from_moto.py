"""Alarms and policies from moto's state, converted for the pure functions of alarms and step_policies."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC
from typing import Any

from hfecs.local.scaling.alarms import Rule
from hfecs.local.scaling.step_policies import Policy, Step


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
