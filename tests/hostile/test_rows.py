from __future__ import annotations

import pytest

from hfecs.errors import AwsFailed
from hfecs.provisioning.stack import Stack
from hostile import rows as table
from hostile.rows import LAST_ROW, accepted, missing_tests
from resources.test_instance import make
from support import WatchedCloud


def test_every_row_is_tested_or_accepted_and_none_is_both() -> None:
    rows = [*table.tested(), *accepted()]

    assert sorted(rows) == list(range(1, LAST_ROW + 1))
    assert missing_tests() == []


def test_a_machine_that_ends_at_its_launch_is_told_with_its_reason(stack: Stack, cloud: WatchedCloud) -> None:
    reason = {"Message": "Client.InternalError: Client error on launch"}
    ended = {"InstanceId": "i-1", "State": {"Name": "terminated"}, "StateReason": reason}
    cloud.answer("RunInstances", Instances=[ended])

    with pytest.raises(AwsFailed, match=r"Machine master ended at its launch: .*Client\.InternalError"):
        make(stack)
