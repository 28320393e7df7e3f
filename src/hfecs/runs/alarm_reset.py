"""The alarm of the demand where another run goes on: it lasts already, and is made to begin anew for one more run."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from hfecs.aws.errors import expected_errors, explain

if TYPE_CHECKING:
    from hfecs.aws.clients import Cloud

SETTLING_SECONDS = 3.0
"""After a period, until CloudWatch knows all that was told in it."""

Later = Callable[[float, Callable[[], None]], Any]
"""Has something done after so many seconds."""


def timer(seconds: float, call: Callable[[], None]) -> None:
    """Have it done by a thread, if the command lasts so long."""
    thread = threading.Timer(seconds, call)
    thread.daemon = True
    thread.start()


class AlarmReset:
    """An alarm of the demand, which lasts if another run goes on: it acts when it begins, and then once a minute."""

    def __init__(self, cloud: Cloud, name: str, say: Callable[[str], object], later: Later) -> None:
        self._cloud = cloud
        self._name = name
        self._say = say
        self._later = later
        self._since = datetime.now(UTC)
        self._left = False

    def told(self, seconds: float) -> None:
        """The run has told its demand, in a period that is over after so many seconds: then the alarm begins anew."""
        self._since = datetime.now(UTC)
        self._later(seconds + SETTLING_SECONDS, self.begin_anew)

    def leave(self) -> None:
        """Leave the alarm alone from now on."""
        self._left = True

    def begin_anew(self) -> None:
        """If it began before the demand was told, set it back: at its next look it acts, on the demand of all runs."""
        try:
            if not self._left and self._is_older():
                reason = "another run has begun"
                self._cloud.cloudwatch.set_alarm_state(AlarmName=self._name, StateValue="OK", StateReason=reason)
        except expected_errors() as error:
            known = explain(error)
            self._say(f"  machines for this run come within a minute, not at once: {known.message if known else error}")

    def _is_older(self) -> bool:
        told = self._cloud.cloudwatch.describe_alarms(AlarmNames=[self._name])["MetricAlarms"]
        began: list[Any] = [
            alarm.get("StateTransitionedTimestamp") or alarm["StateUpdatedTimestamp"]
            for alarm in told
            if alarm["StateValue"] == "ALARM"
        ]
        return any(when < self._since for when in began)
