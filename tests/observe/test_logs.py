from __future__ import annotations

import base64
import re
import time
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import pytest

from hfecs.errors import Misused
from hfecs.observe.logs import console_output, lines
from hfecs.provisioning.stack import Stack
from support import FakeClock, WatchedCloud

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


def machine(number: int) -> dict[str, Any]:
    launched = datetime(2026, 1, number, tzinfo=UTC)
    return {"InstanceId": f"i-{number}", "LaunchTime": launched, "Tags": [{"Key": "hfecs:name", "Value": "master"}]}


@pytest.fixture
def two_machines(cloud: WatchedCloud) -> WatchedCloud:
    """Two masters, of which the second is the newer one."""
    cloud.answer("DescribeInstances", Reservations=[{"Instances": [machine(1), machine(2)]}])
    return cloud


def test_the_console_is_shown_line_by_line_without_the_codes_of_a_terminal(
    stack: Stack, two_machines: WatchedCloud
) -> None:
    text = "\x1b[0;32mOK\x1b[0m Started Docker\r\nFailed to join \xff".encode("latin-1")
    two_machines.answer("GetConsoleOutput", Output=base64.b64encode(text).decode())

    assert console_output(stack, "master") == ["OK Started Docker", "Failed to join �"]
    assert two_machines.calls_of("GetConsoleOutput") == [{"InstanceId": "i-2"}]


def test_a_machine_is_named_by_its_id_too(stack: Stack, two_machines: WatchedCloud) -> None:
    two_machines.answer("GetConsoleOutput", InstanceId="i-1")

    assert console_output(stack, "i-1") == []
    assert two_machines.calls_of("GetConsoleOutput") == [{"InstanceId": "i-1"}]


def test_a_machine_that_is_not_of_the_cluster_is_refused_with_those_that_are(
    stack: Stack, two_machines: WatchedCloud
) -> None:
    with pytest.raises(Misused, match="no machine worker-9") as raised:
        console_output(stack, "worker-9")

    assert raised.value.hint == "its machines: master; or give an id"
