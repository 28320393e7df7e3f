"""The policies that are compared: nobody's, the original's, and those that the product makes."""

from __future__ import annotations

from typing import Any

from replay_cloud import Settings, Watch
from replay_run import Policy

from hfecs.blueprints import scaling
from hfecs.config import Scaling
from hfecs.local.scaling.alarm_evaluator import service_policy
from hfecs.local.scaling.alarms import Rule
from hfecs.local.scaling.step_policies import CHANGE, Step
from hfecs.local.scaling.step_policies import Policy as Steps

LESS, MORE = "LessThanThreshold", "GreaterThanThreshold"


def fixed(machines: int) -> Policy:
    """So many machines from the start to the end."""
    return Policy(f"fixed {machines}", machines=machines)


def original() -> Policy:
    """The Terraform project's: one machine more above 700 waiting jobs, one less below 0, and so the workers."""
    more, fewer = (Steps(CHANGE, (Step(None, None, number),)) for number in (1, -1))
    high = Rule(MORE, 700, 10, 1, 1)
    low = Rule(LESS, 0, 10, 1, 1)
    watches = (
        Watch("QueueLength", high, more, more, 300, 300),
        Watch("QueueLength", low, fewer, fewer, 300, 300),
    )
    return Policy("original", watches, machines=1)


def backlog(settings: Settings) -> Policy:
    """The product's, for the jobs that wait or run."""
    return Policy("backlog", product(settings, "backlog"))


def lookahead(settings: Settings) -> Policy:
    """The product's, for the demand that is foreseen."""
    return Policy("lookahead", product(settings, "lookahead"), ahead=True)


def product(settings: Settings, metric: str) -> tuple[Watch, ...]:
    """The alarms and policies that `hfecs cluster up` makes, all but the number of machines by default."""
    chosen = Scaling.model_validate({"metric": metric, "asg_max": settings.most})
    sized = scaling.sized(chosen, settings.slots)
    more = _watch(scaling.alarm_more(sized, "replay", []), scaling.machines_more(sized))
    fewer = _watch(scaling.alarm_fewer(sized, "replay", []), scaling.machines_fewer(sized))
    return more, fewer


def _watch(alarm: dict[str, Any], group: dict[str, Any]) -> Watch:
    periods = alarm["EvaluationPeriods"]
    rule = Rule(
        alarm["ComparisonOperator"],
        alarm["Threshold"],
        alarm["Period"],
        periods,
        periods,
        alarm["Statistic"],
        alarm["TreatMissingData"],
    )
    return Watch(alarm["MetricName"], rule, service_policy(group), None, group["EstimatedInstanceWarmup"])
