from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.exceptions import ClientError

from hfecs.aws.clients import Cloud
from hfecs.aws.slow_calls import SlowCalls
from hostile.scenarios import NOWHERE, Throttles
from support import KEYS, REGION

MISSING = "arn:aws:ecs:us-east-1:123456789012:service/none/none"


@dataclass
class Slow:
    """An AWS that needs so many seconds for each attempt, and throttles some; who waits looks every time."""

    seconds: float
    throttled: int = 0
    calls: int = 0
    now: float = 100.0
    told: list[tuple[str, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.slow_calls = SlowCalls(lambda what, seconds: self.told.append((what, seconds)), lambda: self.now)

    def cloud(self) -> Cloud:
        cloud = Cloud(region=REGION, environment=KEYS, slow_calls=self.slow_calls)
        for client in (cloud.ecs, cloud.s3):
            client.meta.events.register_first("before-send", self.answer)
        return cloud

    def answer(self, request: Any, **_: Any) -> Any:
        self.calls += 1
        self.now += self.seconds
        self.slow_calls.look()
        if self.calls > self.throttled:
            return None
        request.url = NOWHERE
        return Throttles("ThrottlingException").response("ecs")


@pytest.fixture(autouse=True)
def _botocore_does_not_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "sleep", lambda seconds: None)


@pytest.mark.parametrize(("seconds", "told"), [(5.0, [("ecs to answer ListClusters", 5.0)]), (4.9, [])])
def test_a_call_without_an_answer_is_told_after_five_seconds(
    aws: None, seconds: float, told: list[tuple[str, float]]
) -> None:
    slow = Slow(seconds)

    assert slow.cloud().ecs.list_clusters()["clusterArns"] == []

    assert slow.told == told


def test_a_call_that_is_repeated_is_told_with_its_attempts_every_five_seconds(aws: None) -> None:
    slow = Slow(2.0, throttled=6)

    slow.cloud().ecs.list_clusters()

    assert slow.told == [
        ("ecs to answer ListClusters, attempt 3", 6.0),
        ("ecs to answer ListClusters, attempt 6", 12.0),
    ]


def test_a_call_is_not_repeated_for_ever(aws: None) -> None:
    slow = Slow(0.1, throttled=1000)

    with pytest.raises(ClientError, match="ThrottlingException"):
        slow.cloud().ecs.list_clusters()

    assert slow.calls == 1 + 10


def test_calls_that_have_ended_well_or_not_are_waited_for_no_more(aws: None) -> None:
    slow = Slow(0.1)
    cloud = slow.cloud()

    cloud.ecs.list_clusters()
    with pytest.raises(ClientError):
        cloud.ecs.update_service(cluster="none", service=MISSING)
    slow.now += 60
    slow.slow_calls.look()

    assert slow.told == []


def test_files_take_as_long_as_their_bytes_do(aws: None) -> None:
    slow = Slow(60.0)
    cloud = slow.cloud()
    cloud.s3.create_bucket(Bucket="files")
    slow.told.clear()

    cloud.s3.put_object(Bucket="files", Key="large", Body=b"1")

    assert slow.told == []
