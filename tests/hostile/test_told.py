"""What takes long is told: calls that botocore repeats as well as waits of our own (tests/test_wait.py)."""

from __future__ import annotations

import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from hfecs.aws import MAX_ATTEMPTS, Cloud
from hostile.scenarios import NOWHERE, Throttles
from support import KEYS, REGION


class Busy:
    """An AWS that throttles so many calls."""

    def __init__(self, times: int) -> None:
        self.times, self.calls = times, 0

    def answer(self, request: Any, **_: Any) -> Any:
        self.calls += 1
        if self.calls > self.times:
            return None
        request.url = NOWHERE
        return Throttles("ThrottlingException").response("ecs")


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    return []


def cloud_of(busy: Busy, told: list[str]) -> Cloud:
    cloud = Cloud(region=REGION, environment=KEYS, tell=told.append)
    cloud.ecs.meta.events.register_first("before-send", busy.answer)
    return cloud


def test_a_call_that_is_repeated_is_told_from_the_fourth_attempt_on(aws: None, told: list[str]) -> None:
    busy = Busy(times=5)

    assert cloud_of(busy, told).ecs.list_clusters()["clusterArns"] == []

    assert busy.calls == 6
    assert told == ["  ecs does not answer ListClusters, attempt 4"]


def test_a_call_that_is_repeated_a_few_times_is_not_told(aws: None, told: list[str]) -> None:
    cloud_of(Busy(times=2), told).ecs.list_clusters()

    assert told == []


def test_a_call_is_not_repeated_for_ever(aws: None, told: list[str]) -> None:
    busy = Busy(times=1000)

    with pytest.raises(ClientError, match="ThrottlingException"):
        cloud_of(busy, told).ecs.list_clusters()

    assert busy.calls == 1 + MAX_ATTEMPTS
