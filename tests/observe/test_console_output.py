from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any

import pytest

from hfecs.errors import Misused
from hfecs.observe.console_output import console_output
from hfecs.provisioning.stack import Stack
from support import WatchedCloud


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
