from __future__ import annotations

import gc
import os
import signal
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from hfecs.provisioning.stack import Stack
from hfecs.provisioning.state import State
from service_models import VIOLATIONS, check_all_clients
from support import WatchedCloud, stack_of

pytest_plugins = ["second_try"]

check_all_clients()

# Where the tests are started in the background Ctrl-C is ignored, by them and by every program that they start.
signal.signal(signal.SIGINT, signal.default_int_handler)

# urllib keeps the proxy of its first call for good: one that a single test sets must not be everybody's.
urllib.request.install_opener(urllib.request.build_opener(urllib.request.ProxyHandler({})))

# The same examples each time, so that what is green stays green; --hypothesis-profile=long looks for new ones.
_ANY_PACE = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow, HealthCheck.data_too_large]}
settings.register_profile("steady", derandomize=True, database=None, max_examples=60, **_ANY_PACE)  # type: ignore[arg-type]
settings.register_profile("long", max_examples=2_000, **_ANY_PACE)  # type: ignore[arg-type]
settings.load_profile("steady")

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


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """A test that sends what AWS refuses fails, whatever the code under test does with the error."""
    VIOLATIONS.take()
    yield
    found = VIOLATIONS.take()
    if found and not item.get_closest_marker("refused_by_aws"):
        pytest.fail("AWS refuses what this test sent:\n" + "\n".join(sorted(set(found))), pytrace=False)


@pytest.fixture(scope="session")
def opened_cloud() -> WatchedCloud:
    """One set of clients for all tests: boto3 takes seconds to open them."""
    return WatchedCloud()


@pytest.fixture
def mended_moto(monkeypatch: pytest.MonkeyPatch) -> None:
    from quick_moto import mend_moto

    mend_moto(monkeypatch)


@pytest.fixture
def small_moto(monkeypatch: pytest.MonkeyPatch) -> None:
    from quick_moto import shrink_moto

    shrink_moto(monkeypatch)


@pytest.fixture
def aws(mended_moto: None, small_moto: None) -> Iterator[None]:
    """An AWS that is empty, in this process."""
    from quick_moto import empty_aws

    with empty_aws():
        yield


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
