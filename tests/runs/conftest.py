from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import pytest

from blueprints.conftest import job, runs
from commands.conftest import bare, hfecs, project, server, shared_loader, with_server
from support import WatchedCloud

__all__ = ["bare", "demand_alarm", "hfecs", "job", "project", "runs", "server", "shared_loader", "with_server"]

PutAlarm = Callable[[Literal["ALARM", "OK"]], None]


@pytest.fixture
def demand_alarm(cloud: WatchedCloud) -> PutAlarm:
    """Puts the alarm of the demand, in a state since now."""

    def put(state: Literal["ALARM", "OK"]) -> None:
        cloud.cloudwatch.put_metric_alarm(
            AlarmName="jobs-wait",
            Namespace="hyperflow",
            MetricName="Demand",
            Statistic="Sum",
            Period=10,
            EvaluationPeriods=1,
            Threshold=1.0,
            ComparisonOperator="GreaterThanOrEqualToThreshold",
        )
        cloud.cloudwatch.set_alarm_state(AlarmName="jobs-wait", StateValue=state, StateReason="as it was")
        cloud.forget()

    return put
