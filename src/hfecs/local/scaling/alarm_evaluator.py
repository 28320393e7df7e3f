"""Evaluate alarms on time, as CloudWatch does: their states, and when their actions run."""

from __future__ import annotations

import os
import time
from typing import Any

from hfecs.local.data_plane.shared import SharedState
from hfecs.local.scaling.actions import Actions, Trigger
from hfecs.local.scaling.alarms import ALARM, INSUFFICIENT_DATA, OK, datapoints, evaluate, evaluation_cadence
from hfecs.local.scaling.from_moto import epoch, rule_of, samples_of

TICK = 10.0  # seconds: how often CloudWatch evaluates high-resolution alarms
REPEAT = 6  # ticks until the scaling action of an alarm still in ALARM is repeated: one minute
METRICS_KEPT = 3 * 3600  # seconds: how long CloudWatch keeps high-resolution data
ACTIONS = {OK: "ok_actions", ALARM: "alarm_actions", INSUFFICIENT_DATA: "insufficient_data_actions"}


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
