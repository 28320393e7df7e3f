"""Publish the demand for job slots to CloudWatch: one value from each publisher in each alarm period.

The alarms sum the values of all publishers in a period: each run its demand, and the notifier 0, so that the alarms
see no work after the last run. A value must therefore not be sent twice: it is timestamped with the start of its
period, there is only one per period, and a failed call is not retried.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from hfecs.aws import cloudwatch
from hfecs.aws.clients import Limits, open_client
from hfecs.aws.cloudwatch import DEMAND

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient

ONCE = Limits(retries=0, connect_timeout=3, read_timeout=4)


def client() -> CloudWatchClient:
    """A client that makes each call once."""
    made: CloudWatchClient = open_client("cloudwatch", ONCE)
    return made


@dataclass(frozen=True)
class Periods:
    """The alarm periods, in seconds, by the clock that all publishers share."""

    seconds: int
    clock: Callable[[], float] = time.time

    def now(self) -> int:
        """The number of the current period."""
        return int(self.clock() // self.seconds)

    def until_next(self) -> float:
        """The seconds until the next period starts."""
        return self.seconds - self.clock() % self.seconds

    def until_over(self, number: int) -> float:
        """The seconds until a period ends; 0 if it has ended."""
        return max(0.0, (number + 1) * self.seconds - self.clock())

    def beginning(self, number: int) -> datetime:
        """When a period starts."""
        return datetime.fromtimestamp(number * self.seconds, UTC)


class DemandMetric:
    """Publishes the demand of one publisher, at most once per period."""

    def __init__(self, metrics_api: CloudWatchClient, namespace: str, cluster: str, periods: Periods) -> None:
        self._cloudwatch = metrics_api
        self._namespace = namespace
        self._cluster = cluster
        self._periods = periods
        self._told = -1

    def put(self, slots: int) -> int:
        """Report the demand of this period, unless already done; returns the period's number."""
        period = self._periods.now()
        if period == self._told:
            return period
        self._told = period
        when = self._periods.beginning(period)
        cloudwatch.put(self._cloudwatch, self._namespace, self._cluster, {DEMAND: slots}, when)
        return period
