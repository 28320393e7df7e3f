from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from moto import mock_aws
from moto.core.botocore_stubber import BotocoreStubber
from moto.iam.access_control import IAMPolicyStatement, PermissionResult
from moto.ssm.utils import convert_to_params

from hfecs.stack import Stack
from hfecs.state import State
from support import WatchedCloud, stack_of


@pytest.fixture(scope="session")
def opened_cloud() -> WatchedCloud:
    """One set of clients for all tests: boto3 takes seconds to open them."""
    return WatchedCloud()


@pytest.fixture
def mended_moto(monkeypatch: pytest.MonkeyPatch) -> None:
    """What moto does not know: many threads at a time, and conditions in a policy (its calls count as TLS)."""
    one_at_a_time, answer = threading.RLock(), BotocoreStubber.process_request
    permitted = IAMPolicyStatement.is_action_permitted

    def process_request(self: BotocoreStubber, request: Any) -> Any:
        with one_at_a_time:
            return answer(self, request)

    def is_action_permitted(self: Any, *arguments: Any, **options: Any) -> Any:
        if "aws:SecureTransport" in str(self._statement.get("Condition")):
            return PermissionResult.NEUTRAL
        return permitted(self, *arguments, **options)

    monkeypatch.setattr(BotocoreStubber, "process_request", process_request)
    monkeypatch.setattr(IAMPolicyStatement, "is_action_permitted", is_action_permitted)


@pytest.fixture
def small_moto(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the thousands of images that moto knows, those that a cluster asks for: the rest takes most of the time."""

    def convert_some(tree: Any) -> Any:
        return [item for item in convert_to_params(tree) if "2023/" in item["Name"] and "recommended" in item["Name"]]

    monkeypatch.setattr("moto.ssm.models.convert_to_params", convert_some)
    monkeypatch.setenv("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")


@pytest.fixture
def aws(mended_moto: None, small_moto: None) -> Iterator[None]:
    """An AWS that is empty, in this process."""
    cloud = mock_aws()
    cloud.start(reset=False)  # it is emptied at the end
    yield
    cloud.stop()


@pytest.fixture
def cloud(opened_cloud: WatchedCloud, aws: None) -> WatchedCloud:
    opened_cloud.forget()
    return opened_cloud


@pytest.fixture
def state(tmp_path: Path) -> State:
    return State.load(tmp_path / "hfecs.state.json")


@pytest.fixture
def stack(cloud: WatchedCloud, state: State) -> Stack:
    return stack_of(cloud, state)
