from __future__ import annotations

from collections.abc import Iterator

import pytest

from hostile.clients import Clients
from hostile.facts import Facts
from hostile.stand_in import stand_in, zygote
from hostile.sweep import Sweep


@pytest.fixture(scope="session")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sweep]:
    """One stand-in for AWS and one process for commands, shared by all tests that kill."""
    scratch = tmp_path_factory.mktemp("killed")
    with stand_in(scratch) as cloud, zygote(scratch) as commands:
        yield Sweep(cloud, commands, Clients(), scratch)


@pytest.fixture(scope="session")
def facts() -> Facts:
    """Where tests write down what docs/reliability.md tells."""
    return Facts()
