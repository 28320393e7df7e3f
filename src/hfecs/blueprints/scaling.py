"""How the cluster follows the work: step policies sized by the jobs that wait, and the alarms that set them off."""

from __future__ import annotations

from typing import Any

from hfecs.config import Scaling

NAMESPACE = "hyperflow"
# Waiting jobs that no worker holds; ready and held jobs together.
WAITING, BACKLOG = "QueueLength", "Backlog"
# A step policy takes no more steps.
MOST_STEPS = 20


def more(scaling: Scaling) -> list[dict[str, Any]]:
    """Steps of growth of the group, up to `asg_max`."""
    return _steps(scaling.jobs_per_worker, scaling.instance_adjustment, scaling.asg_max)


def more_workers(scaling: Scaling) -> list[dict[str, Any]]:
    """Steps of growth of the workers, up to their greatest number."""
    _, _, most = scaling.workers
    return _steps(scaling.jobs_per_worker, scaling.worker_adjustment, most)


def _steps(share: int, adjustment: int, most: int) -> list[dict[str, Any]]:
    """`adjustment` more at the alarm's threshold, and again for each `share` jobs above it, in up to 20 steps."""
    most = max(1, most)
    last = -(-most // adjustment)
    stride = max(1, -(-(last - 1) // (MOST_STEPS - 1)))
    sizes = [*range(1, last, stride), last]
    steps = []
    for size, following in zip(sizes, [*sizes[1:], None], strict=True):
        step: dict[str, Any] = {"MetricIntervalLowerBound": float((size - 1) * share)}
        if following:
            step["MetricIntervalUpperBound"] = float((following - 1) * share)
        steps.append(step | {"ScalingAdjustment": min(size * adjustment, most)})
    return steps


def machines_more(scaling: Scaling) -> dict[str, Any]:
    """The group's policy for waiting jobs."""
    return {
        "AdjustmentType": "ChangeInCapacity",
        "StepAdjustments": more(scaling),
        "EstimatedInstanceWarmup": scaling.instance_cooldown,
    }


def machines_fewer(scaling: Scaling) -> dict[str, Any]:
    """The group's policy for a cluster without work: down to the minimum."""
    idle = [{"MetricIntervalUpperBound": 0.0, "ScalingAdjustment": scaling.asg_min}]
    return {"AdjustmentType": "ExactCapacity", "StepAdjustments": idle}


def workers_more(scaling: Scaling) -> dict[str, Any]:
    """The service's policy for waiting jobs."""
    return {
        "AdjustmentType": "ChangeInCapacity",
        "StepAdjustments": more_workers(scaling),
        "Cooldown": scaling.worker_cooldown,
        "MetricAggregationType": "Average",
    }


def workers_fewer(scaling: Scaling) -> dict[str, Any]:
    """The service's policy for a cluster without work: down to the minimum."""
    idle = [{"MetricIntervalUpperBound": 0.0, "ScalingAdjustment": scaling.workers[0]}]
    return {
        "AdjustmentType": "ExactCapacity",
        "StepAdjustments": idle,
        "Cooldown": scaling.worker_cooldown,
        "MetricAggregationType": "Average",
    }


def alarm_more(scaling: Scaling, cluster: str, actions: list[str]) -> dict[str, Any]:
    """Set off when `threshold_high` jobs wait that no worker holds."""
    return _alarm(scaling, cluster, actions) | {
        "AlarmDescription": "jobs wait: more machines and workers",
        "MetricName": WAITING,
        "EvaluationPeriods": scaling.evaluation_periods,
        "Threshold": float(scaling.threshold_high),
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "TreatMissingData": "notBreaching",
    }


def alarm_fewer(scaling: Scaling, cluster: str, actions: list[str]) -> dict[str, Any]:
    """Set off when `threshold_low` jobs or fewer have waited or run for `idle_periods`; never by a silent notifier."""
    return _alarm(scaling, cluster, actions) | {
        "AlarmDescription": "no work: back to the minimum",
        "MetricName": BACKLOG,
        "EvaluationPeriods": scaling.idle_periods,
        "Threshold": float(scaling.threshold_low),
        "ComparisonOperator": "LessThanOrEqualToThreshold",
        "TreatMissingData": "ignore",
    }


def _alarm(scaling: Scaling, cluster: str, actions: list[str]) -> dict[str, Any]:
    return {
        "Namespace": NAMESPACE,
        "Dimensions": [{"Name": "ClusterName", "Value": cluster}],
        "Statistic": "Average",
        "Period": scaling.alarm_period,
        "AlarmActions": actions,
    }
