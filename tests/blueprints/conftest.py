from __future__ import annotations

from pathlib import Path

import pytest

from hfecs.blueprints import run as run_blueprint
from hfecs.provisioning.stack import Stack
from support import add_machine, stack_of, write_job


@pytest.fixture
def runs(stack: Stack) -> Stack:
    """The stack of the runs, beside a cluster with a machine that takes tasks."""
    from standing import stands

    stands(stack)
    add_machine(stack)
    return stack_of(stack.cloud, stack.state, run_blueprint.STACK)


@pytest.fixture
def job(tmp_path: Path) -> Path:
    return write_job(tmp_path / "job")
