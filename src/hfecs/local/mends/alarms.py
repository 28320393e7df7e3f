"""CloudWatch alarms: checked when they are put, INSUFFICIENT_DATA at first, and SetAlarmState acts."""

from __future__ import annotations

from typing import Any

from moto.cloudwatch.exceptions import CloudWatchException
from moto.cloudwatch.models import CloudWatchBackend

from hfecs.local.alarms import INSUFFICIENT_DATA, fault_of
from hfecs.local.mends.answers import replace
from hfecs.local.plane import Plane

MOST_ACTIONS = 5


def apply(plane: Plane) -> None:
    """Mend alarms."""

    def put_metric_alarm(backend: Any, name: str, *arguments: Any, **options: Any) -> Any:
        period, periods = options.get("period"), options.get("evaluation_periods")
        if period and (wrong := fault_of(int(period), int(periods or 1))):
            raise CloudWatchException("ValidationError", wrong)
        if len(options.get("alarm_actions") or []) > MOST_ACTIONS:
            raise CloudWatchException(
                "ValidationError", "The collection AlarmActions must not have more than 5 elements."
            )
        known = backend.alarms.get(name)
        alarm = put(backend, name, *arguments, **options)
        if known is None:
            alarm.state_value = INSUFFICIENT_DATA
        else:
            for attribute in ("state_value", "state_reason", "state_updated_timestamp", "history"):
                setattr(alarm, attribute, getattr(known, attribute))
        return alarm

    def set_alarm_state(backend: Any, alarm_name: str, reason: str, reason_data: str, state_value: str) -> None:
        set_state(backend, alarm_name, reason, reason_data, state_value)
        plane.scaling.act(backend.region_name, backend.alarms[alarm_name])

    put = replace(CloudWatchBackend, "put_metric_alarm", put_metric_alarm)
    set_state = replace(CloudWatchBackend, "set_alarm_state", set_alarm_state)
