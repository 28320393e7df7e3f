from __future__ import annotations

import re
import time
from itertools import islice

import pytest

from hfecs.observe.logs import lines
from hfecs.provisioning.stack import Stack
from support import FakeClock

GROUP = "/hfecs/hyperflow"


@pytest.fixture
def said(stack: Stack) -> Stack:
    """A worker and a runner that said something, and an old line."""
    stack.cloud.logs.create_log_group(logGroupName=GROUP)
    say(stack, "worker/worker/0123456789abcdef", "job 1 started", "job 1 finished")
    say(stack, "runner/engine/aaaaaaaaaaaaffff", "engine started")
    return stack


def say(stack: Stack, stream: str, *texts: str, age: float = 1.0) -> None:
    logs = stack.cloud.logs
    if not logs.describe_log_streams(logGroupName=GROUP, logStreamNamePrefix=stream)["logStreams"]:
        logs.create_log_stream(logGroupName=GROUP, logStreamName=stream)
    now = int((time.time() - age) * 1000)
    events = [{"timestamp": now + number, "message": text} for number, text in enumerate(texts)]
    logs.put_log_events(logGroupName=GROUP, logStreamName=stream, logEvents=events)  # type: ignore[arg-type]


def test_lines_stand_behind_their_time_and_container(said: Stack) -> None:
    first, second = lines(said, "worker", minutes=60, follow=False)

    assert re.fullmatch(r"\d\d:\d\d:\d\d worker/abcdef job 1 started", first)
    assert second.endswith("job 1 finished")


def test_all_parts_are_shown_unless_one_is_named(said: Stack) -> None:
    assert len(list(lines(said, None, minutes=60, follow=False))) == 3
    assert len(list(lines(said, "runner", minutes=60, follow=False))) == 1
    assert list(lines(said, "master", minutes=60, follow=False)) == []


def test_old_lines_are_left_out(said: Stack) -> None:
    say(said, "worker/worker/old", "long ago", age=3000)

    assert not [line for line in lines(said, "worker", minutes=10, follow=False) if "long ago" in line]
    assert [line for line in lines(said, "worker", minutes=60, follow=False) if "long ago" in line]


def test_a_cluster_that_has_said_nothing_shows_nothing(stack: Stack) -> None:
    assert list(lines(stack, None, minutes=60, follow=False)) == []


def test_following_shows_each_line_once_as_it_comes(said: Stack) -> None:
    following = lines(said, "worker", minutes=60, follow=True)
    shown = list(islice(following, 2))
    say(said, "worker/worker/0123456789abcdef", "job 2 started", age=0)

    assert next(following).endswith("job 2 started")

    assert len(shown) == 2
    clock = said.wait.clock
    assert isinstance(clock, FakeClock)
    assert clock.slept == [2.0]
