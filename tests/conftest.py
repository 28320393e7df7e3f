from __future__ import annotations

import gc
import os
import signal
import threading
import urllib.request
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from moto import mock_aws
from moto.core.botocore_stubber import BotocoreStubber
from moto.ec2.models.amis import AMIS
from moto.iam.access_control import IAMPolicyStatement, PermissionResult
from moto.ssm.utils import convert_to_params
from moto.utilities.utils import load_resource

from hfecs.stack import Stack
from hfecs.state import State
from quick_moto import quicken_moto
from support import WatchedCloud, stack_of

# Where the tests are started in the background Ctrl-C is ignored, by them and by every program that they start.
signal.signal(signal.SIGINT, signal.default_int_handler)

# urllib keeps the proxy of its first call for good: one that a single test sets must not be everybody's.
urllib.request.install_opener(urllib.request.build_opener(urllib.request.ProxyHandler({})))

# The same examples each time, so that what is green stays green; --hypothesis-profile=long looks for new ones.
_ANY_PACE = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow, HealthCheck.data_too_large]}
settings.register_profile("steady", derandomize=True, database=None, max_examples=60, **_ANY_PACE)  # type: ignore[arg-type]
settings.register_profile("long", max_examples=2_000, **_ANY_PACE)  # type: ignore[arg-type]
settings.load_profile("steady")
quicken_moto()

CORES = sorted(os.sched_getaffinity(0))


def pytest_collection_finish() -> None:
    """What is there before the first test stays: the garbage collector need not look at it again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 100)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """On one core the threads of a process hand over to each other sooner, by a sixth; real programs take all."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    own = {CORES[worker % len(CORES)]}
    os.sched_setaffinity(0, CORES if item.get_closest_marker("end_to_end") else own)


@pytest.fixture(scope="session")
def opened_cloud() -> WatchedCloud:
    """One set of clients for all tests: boto3 takes seconds to open them."""
    return WatchedCloud()


def mend_moto(monkeypatch: pytest.MonkeyPatch) -> None:
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
def mended_moto(monkeypatch: pytest.MonkeyPatch) -> None:
    mend_moto(monkeypatch)


@cache
def some_parameters(path: str) -> Any:
    """Of moto's thousands of parameters, those with the images that a cluster asks for; read once."""
    return [
        parameter
        for parameter in convert_to_params(load_resource(path))
        if "2023/" in parameter["Name"] and "recommended" in parameter["Name"]
    ]


def shrink_moto(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few images and parameters, and no waiting for the disk: all that takes most of the time."""
    monkeypatch.setattr("moto.ssm.models.load_resource", lambda path: path)
    monkeypatch.setattr("moto.ssm.models.convert_to_params", some_parameters)
    monkeypatch.setattr("moto.ec2.models.amis.AMIS", AMIS[:4])
    monkeypatch.setenv("MOTO_AMIS_PATH", "of its own")
    monkeypatch.setattr(os, "fsync", lambda file: None)


@pytest.fixture
def small_moto(monkeypatch: pytest.MonkeyPatch) -> None:
    shrink_moto(monkeypatch)


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
