"""When a CloudWatch alarm changes its state: pure functions, shared by the local cloud and the replay of runs.

Sources: the CloudWatch user guide on evaluating alarms, on M out of N datapoints and on missing data.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

OK = "OK"
ALARM = "ALARM"
INSUFFICIENT_DATA = "INSUFFICIENT_DATA"

# How many periods beyond the evaluation periods CloudWatch looks back to replace missing ones: 5 for 3 in its guide's
# example.
LOOK_BACK = 2
SHORT_PERIODS = (10, 20, 30)  # seconds: high resolution
LONGEST_EVALUATION = 86_400  # seconds: period times evaluation periods, for periods below one hour

COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "GreaterThanThreshold": operator.gt,
    "GreaterThanOrEqualToThreshold": operator.ge,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}

STATISTICS: dict[str, Callable[[Sequence[float]], float]] = {
    "Average": lambda values: sum(values) / len(values),
    "Sum": sum,
    "Minimum": min,
    "Maximum": max,
    "SampleCount": lambda values: float(len(values)),
}


@dataclass(frozen=True)
class Rule:
    """What an alarm watches: times in seconds; `needed` out of `periods` datapoints trigger it."""

    comparison: str
    threshold: float
    period: int
    periods: int
    needed: int
    statistic: str = "Average"
    missing: str = "missing"

    def breaches(self, value: float) -> bool:
        """Whether a datapoint is beyond the threshold."""
        return COMPARISONS[self.comparison](value, self.threshold)

    @property
    def look_back(self) -> int:
        """How many periods an evaluation considers."""
        return self.periods + LOOK_BACK


@dataclass(frozen=True)
class Verdict:
    """The state of an alarm after an evaluation, and the newest datapoint, if any."""

    state: str
    reason: str
    value: float | None


def datapoints(samples: Iterable[tuple[float, float]], rule: Rule, end: float) -> list[float | None]:
    """The statistic of each period, oldest first, the last one ending at `end`; samples are (time, value)."""
    start = end - rule.look_back * rule.period
    buckets: list[list[float]] = [[] for _ in range(rule.look_back)]
    for time, value in samples:
        if start <= time < end:
            buckets[int((time - start) // rule.period)].append(value)
    statistic = STATISTICS[rule.statistic]
    return [statistic(bucket) if bucket else None for bucket in buckets]


def evaluate(rule: Rule, points: Sequence[float | None], state: str) -> Verdict:
    """The new state of an alarm in `state`, given the datapoints (oldest first, None where missing)."""
    known = [point for point in points if point is not None][-rule.periods :]
    breaching = sum(rule.breaches(point) for point in known)
    missing = rule.periods - len(known)
    newest = known[-1] if known else None
    if rule.missing == "breaching":
        breaching += missing
    if breaching >= rule.needed:
        return Verdict(ALARM, _reason(rule, known, breaching), newest)
    if not known:
        return Verdict(_state_without_data(rule, state), "No datapoints were received.", None)
    if rule.missing in ("breaching", "notBreaching") or breaching < len(known):
        return Verdict(OK, _reason(rule, known, breaching), newest)
    # Only breaching datapoints are known, but too few to be sure.
    return Verdict(state if rule.missing == "ignore" else ALARM, _reason(rule, known, breaching), newest)


def evaluation_cadence(period: int, tick: float) -> float:
    """Seconds between two evaluations; `tick` is 10 in the real CloudWatch."""
    return tick if period in SHORT_PERIODS else 6 * tick


def fault_of(period: int, periods: int) -> str:
    """CloudWatch's error for a period that it does not accept, or an empty text."""
    if period not in SHORT_PERIODS and (period < 60 or period % 60):
        return "Invalid period: it must be 10, 20, 30 or a multiple of 60 seconds."
    if period < 3600 and period * periods > LONGEST_EVALUATION:
        return "Metrics cannot be checked across more than a day (EvaluationPeriods * Period must be <= 86400)."
    return ""


def _state_without_data(rule: Rule, state: str) -> str:
    return {"ignore": state, "notBreaching": OK}.get(rule.missing, INSUFFICIENT_DATA)


def _reason(rule: Rule, known: Sequence[float], breaching: int) -> str:
    values = ", ".join(f"{value:g}" for value in known)
    return f"{breaching} of the last {rule.periods} datapoints [{values}]: {rule.comparison} ({rule.threshold:g})."
