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
    """Steps of growth: one machine more for each `jobs_per_worker` waiting jobs, in up to 20 steps to `asg_max`."""
    most = max(1, scaling.asg_max)
    stride = max(1, -(-(most - 1) // (MOST_STEPS - 1)))
    sizes = [*range(1, most, stride), most]
    steps = []
    for size, following in zip(sizes, [*sizes[1:], None], strict=True):
        step: dict[str, Any] = {"MetricIntervalLowerBound": float((size - 1) * scaling.jobs_per_worker)}
        if following:
            step["MetricIntervalUpperBound"] = float((following - 1) * scaling.jobs_per_worker)
        steps.append(step | {"ScalingAdjustment": size})
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
        "StepAdjustments": more(scaling),
        "Cooldown": scaling.worker_cooldown,
        "MetricAggregationType": "Average",
    }


def workers_fewer(scaling: Scaling) -> dict[str, Any]:
    """The service's policy for a cluster without work: down to the minimum."""
    idle = [{"MetricIntervalUpperBound": 0.0, "ScalingAdjustment": scaling.asg_min}]
    return {
        "AdjustmentType": "ExactCapacity",
        "StepAdjustments": idle,
        "Cooldown": scaling.worker_cooldown,
        "MetricAggregationType": "Average",
    }


def alarm_more(scaling: Scaling, cluster: str, actions: list[str]) -> dict[str, Any]:
    """Set off when a job waits that no worker holds."""
    return _alarm(scaling, cluster, actions) | {
        "AlarmDescription": "jobs wait: more machines and workers",
        "MetricName": WAITING,
        "EvaluationPeriods": scaling.evaluation_periods,
        "Threshold": 1.0,
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "TreatMissingData": "notBreaching",
    }


def alarm_fewer(scaling: Scaling, cluster: str, actions: list[str]) -> dict[str, Any]:
    """Set off when no job has waited or run for `idle_periods`; a silent notifier never sets it off."""
    return _alarm(scaling, cluster, actions) | {
        "AlarmDescription": "no work: back to the minimum",
        "MetricName": BACKLOG,
        "EvaluationPeriods": scaling.idle_periods,
        "Threshold": 0.0,
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
