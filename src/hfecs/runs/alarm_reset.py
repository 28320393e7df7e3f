"""Re-trigger the demand alarm if another run already holds it in ALARM."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from hfecs.aws.errors import expected_errors, explain

if TYPE_CHECKING:
    from hfecs.aws.clients import Cloud

SETTLING_SECONDS = 3.0
"""Seconds after a period until CloudWatch has everything reported in it."""

Later = Callable[[float, Callable[[], None]], Any]
"""Calls a function after this many seconds."""


def timer(seconds: float, call: Callable[[], None]) -> None:
    """Call it in a thread, if the command is still running by then."""
    thread = threading.Timer(seconds, call)
    thread.daemon = True
    thread.start()


class AlarmReset:
    """The demand alarm, which another run may hold in ALARM: it acts when it enters ALARM, then once a minute."""

    def __init__(self, cloud: Cloud, name: str, say: Callable[[str], object], later: Later) -> None:
        self._cloud = cloud
        self._name = name
        self._say = say
        self._later = later
        self._since = datetime.now(UTC)
        self._left = False

    def told(self, seconds: float) -> None:
        """The run has reported its demand, in a period that ends in this many seconds: then reset the alarm."""
        self._since = datetime.now(UTC)
        self._later(seconds + SETTLING_SECONDS, self.begin_anew)

    def leave(self) -> None:
        """Leave the alarm alone from now on."""
        self._left = True

    def begin_anew(self) -> None:
        """If ALARM began before the demand was reported, reset it: re-entering, it acts on the demand of all runs."""
        try:
            if not self._left and self._is_older():
                reason = "another run has started"
                self._cloud.cloudwatch.set_alarm_state(AlarmName=self._name, StateValue="OK", StateReason=reason)
        except expected_errors() as error:
            known = explain(error)
            self._say(f"  machines for this run start in a minute, not at once: {known.message if known else error}")

    def _is_older(self) -> bool:
        told = self._cloud.cloudwatch.describe_alarms(AlarmNames=[self._name])["MetricAlarms"]
        began: list[Any] = [
            alarm.get("StateTransitionedTimestamp") or alarm["StateUpdatedTimestamp"]
            for alarm in told
            if alarm["StateValue"] == "ALARM"
        ]
        return any(when < self._since for when in began)
