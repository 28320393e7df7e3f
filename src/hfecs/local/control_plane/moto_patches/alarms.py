"""CloudWatch alarms: validated, INSUFFICIENT_DATA at first; SetAlarmState runs actions; history is kept."""

from __future__ import annotations

from typing import Any

from moto.cloudwatch.exceptions import CloudWatchException
from moto.cloudwatch.models import CloudWatchBackend
from moto.cloudwatch.responses import CloudWatchResponse

from hfecs.local.control_plane.moto_patches.patching import Call, replace, take_over
from hfecs.local.reconciler import Reconciler
from hfecs.local.scaling.alarms import INSUFFICIENT_DATA, fault_of

MOST_ACTIONS = 5
KEPT = ("state_value", "state_reason", "state_updated_timestamp", "history")


def apply(reconciler: Reconciler) -> None:
    """Patch alarms."""
    take_over(CloudWatchResponse, AlarmAnswers(reconciler))
    AlarmPatches(reconciler)


class AlarmPatches:
    """Replaces moto's own methods; the originals are kept to be called."""

    def __init__(self, reconciler: Reconciler) -> None:
        self.reconciler = reconciler
        self.put = replace(CloudWatchBackend, "put_metric_alarm", self.put_metric_alarm)
        self.set_state = replace(CloudWatchBackend, "set_alarm_state", self.set_alarm_state)

    def put_metric_alarm(self, backend: Any, name: str, *arguments: Any, **options: Any) -> Any:
        """PutMetricAlarm replaces the whole alarm, but keeps its state."""
        period, periods = options.get("period"), options.get("evaluation_periods")
        if period and (wrong := fault_of(int(period), int(periods or 1))):
            raise CloudWatchException("ValidationError", wrong)
        if len(options.get("alarm_actions") or []) > MOST_ACTIONS:
            text = f"The collection AlarmActions must not have a size greater than {MOST_ACTIONS}."
            raise CloudWatchException("ValidationError", text)
        known = backend.alarms.get(name)
        alarm = self.put(backend, name, *arguments, **options)
        if known is None:
            alarm.state_value = INSUFFICIENT_DATA
        else:
            for attribute in KEPT:
                setattr(alarm, attribute, getattr(known, attribute))
        return alarm

    def set_alarm_state(self, backend: Any, alarm_name: str, *arguments: Any) -> None:
        """SetAlarmState runs the actions of the new state."""
        before = backend.alarms[alarm_name].state_value if alarm_name in backend.alarms else None
        self.set_state(backend, alarm_name, *arguments)
        alarm = backend.alarms[alarm_name]
        if alarm.state_value != before:
            self.reconciler.scaling.act(backend.region_name, alarm)


class AlarmAnswers:
    """CloudWatch's answers that moto lacks."""

    def __init__(self, reconciler: Reconciler) -> None:
        self.cloud = reconciler.cloud

    def describe_alarm_history(self, call: Call) -> dict[str, Any]:
        """The changes of state of one alarm or of all, newest first."""
        alarms = self.cloud.backend("cloudwatch", call.region).alarms.values()
        wanted = call.get("AlarmName")
        items = [item for alarm in alarms if wanted in (None, alarm.name) for item in _history(alarm)]
        items.sort(key=lambda item: item["Timestamp"], reverse=True)
        return {"AlarmHistoryItems": items}


def _history(alarm: Any) -> list[dict[str, Any]]:
    """moto records the state that was left; the next entry has the state that was entered."""
    left = [entry[3] for entry in alarm.history]
    entered = [*left[1:], alarm.state_value]
    times = [*(entry[4] for entry in alarm.history[1:]), alarm.state_updated_timestamp]
    return [
        {
            "AlarmName": alarm.name,
            "AlarmType": "MetricAlarm",
            "Timestamp": time,
            "HistoryItemType": "StateUpdate",
            "HistorySummary": f"Alarm updated from {before} to {after}",
        }
        for before, after, time in zip(left, entered, times, strict=True)
    ]
