"""How the cluster scales: step policies based on a metric, and the alarms that trigger them.

`scaling.metric` selects it: lookahead and backlog set exactly as many machines and workers as the metric calls for,
queue adds to the existing ones, as the Terraform project did. docs/scaling.md explains the defaults.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hfecs.aws.cloudwatch import BACKLOG, DEMAND, NAMESPACE, QUEUE_LENGTH, dimensions
from hfecs.config import Scaling
from hfecs.lookahead.sizes import MOST_STEPS, sizes

EXACT, MORE = "ExactCapacity", "ChangeInCapacity"
# Maximum number of machines that a capacity provider adds at a time; asg_max limits the total.
MOST_AT_ONCE = 10_000


@dataclass(frozen=True)
class Measure:
    """The metric to scale on, and how the values of one period are combined."""

    work: str
    rest: str
    adjustment: str
    statistic: str = "Average"


# Job slots needed, reported by each run once per period and summed by CloudWatch; jobs waiting or running; jobs
# waiting.
MEASURES = {
    "lookahead": Measure(DEMAND, DEMAND, EXACT, "Sum"),
    "backlog": Measure(BACKLOG, BACKLOG, EXACT),
    "queue": Measure(QUEUE_LENGTH, BACKLOG, MORE),
}


def sized(scaling: Scaling, slots: int) -> Scaling:
    """The same with a machine's job slots as the size of a step, unless configured."""
    return scaling.model_copy(update={"jobs_per_worker": scaling.jobs_per_worker or slots})


def demand_period(scaling: Scaling) -> int:
    """Seconds between two reports of each publisher of the demand; 0 if no alarm uses it."""
    return scaling.alarm_period if _measure(scaling).work == DEMAND else 0


def has_provider(scaling: Scaling) -> bool:
    """Whether an ECS capacity provider changes the number of machines, instead of our alarms."""
    return scaling.instances == "capacity-provider"


def follows_machines(scaling: Scaling) -> bool:
    """Whether ECS starts a worker on each machine that registers, so that only the number of machines is scaled."""
    return scaling.one_worker_a_machine and not has_provider(scaling)


def may_be_throttled(scaling: Scaling) -> bool:
    """Whether ECS may throttle the workers' service: workers are requested together with the machines for them."""
    return not (scaling.one_worker_a_machine or has_provider(scaling))


def managed(scaling: Scaling) -> dict[str, Any]:
    """The provider's managedScaling: as many machines as the workers need, and no spare ones."""
    return {
        "status": "ENABLED",
        "targetCapacity": 100,
        "minimumScalingStepSize": scaling.instance_adjustment,
        "maximumScalingStepSize": MOST_AT_ONCE,
        "instanceWarmupPeriod": scaling.instance_cooldown,
    }


def machines_more(scaling: Scaling) -> dict[str, Any]:
    """The group's policy for work: up to `asg_max` machines; the group itself keeps asg_min."""
    return {
        "AdjustmentType": _measure(scaling).adjustment,
        "StepAdjustments": _steps(scaling, scaling.instance_adjustment, scaling.asg_max),
        "EstimatedInstanceWarmup": scaling.instance_cooldown,
    }


def machines_fewer(scaling: Scaling) -> dict[str, Any]:
    """The group's policy for a cluster without work: down to the minimum."""
    return {
        "AdjustmentType": EXACT,
        "StepAdjustments": [{"MetricIntervalUpperBound": 0.0, "ScalingAdjustment": scaling.asg_min}],
        "EstimatedInstanceWarmup": scaling.instance_cooldown,
    }


def workers_more(scaling: Scaling) -> dict[str, Any]:
    """The service's policy for work, with the same steps up to the maximum number of workers."""
    _, _, most = scaling.workers
    return _of_service(scaling, _measure(scaling).adjustment, _steps(scaling, scaling.worker_adjustment, most))


def workers_fewer(scaling: Scaling) -> dict[str, Any]:
    """The service's policy for a cluster without work: down to the minimum."""
    return _of_service(scaling, EXACT, [{"MetricIntervalUpperBound": 0.0, "ScalingAdjustment": scaling.workers[0]}])


def _of_service(scaling: Scaling, adjustment: str, steps: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "AdjustmentType": adjustment,
        "StepAdjustments": steps,
        "Cooldown": scaling.worker_cooldown,
        "MetricAggregationType": "Average",
    }


def _steps(scaling: Scaling, adjustment: int, most: int) -> list[dict[str, Any]]:
    """`adjustment` for each step of the metric, in up to 20 steps that end with the maximum.

    Exact steps count from 0 and round up, so that all work has its machines; adding steps count from the threshold
    and round down, since they repeat while work waits. Bounds are distances from the alarm's threshold.
    """
    share, most = scaling.jobs_per_worker or 1, max(1, most)
    last = -(-most // adjustment)
    if _measure(scaling).adjustment == EXACT:
        numbers = [number for number in sizes(last) if number * share >= scaling.threshold_high] or [last]
        covered = [0, *(number * share + 1 - scaling.threshold_high for number in numbers[:-1])]
    else:
        stride = max(1, -(-(last - 1) // (MOST_STEPS - 1)))
        numbers = [*range(1, last, stride), last]
        covered = [(number - 1) * share for number in numbers]
    steps = []
    for number, lower, upper in zip(numbers, covered, [*covered[1:], None], strict=True):
        step: dict[str, Any] = {"MetricIntervalLowerBound": float(lower)}
        if upper is not None:
            step["MetricIntervalUpperBound"] = float(upper)
        steps.append(step | {"ScalingAdjustment": min(number * adjustment, most)})
    return steps


def alarm_more(scaling: Scaling, cluster: str, actions: list[str]) -> dict[str, Any]:
    """Triggered when the metric reaches `threshold_high`; a silent notifier triggers nothing."""
    return _alarm(scaling, cluster, actions) | {
        "AlarmDescription": "there is work: machines and workers for it",
        "MetricName": _measure(scaling).work,
        "EvaluationPeriods": scaling.evaluation_periods,
        "Threshold": float(scaling.threshold_high),
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "TreatMissingData": "notBreaching",
    }


def alarm_fewer(scaling: Scaling, cluster: str, actions: list[str]) -> dict[str, Any]:
    """Triggered after `idle_periods` with `threshold_low` work or less; never by a silent notifier."""
    return _alarm(scaling, cluster, actions) | {
        "AlarmDescription": "no work: back to the minimum",
        "MetricName": _measure(scaling).rest,
        "EvaluationPeriods": scaling.idle_periods,
        "Threshold": float(scaling.threshold_low),
        "ComparisonOperator": "LessThanOrEqualToThreshold",
        "TreatMissingData": "ignore",
    }


def _alarm(scaling: Scaling, cluster: str, actions: list[str]) -> dict[str, Any]:
    return {
        "Namespace": NAMESPACE,
        "Dimensions": dimensions(cluster),
        "Statistic": _measure(scaling).statistic,
        "Period": scaling.alarm_period,
        "AlarmActions": actions,
    }


def _measure(scaling: Scaling) -> Measure:
    return MEASURES[scaling.metric]
