"""Whatever the state file has become: a state that all commands can work with, or a sentence about it."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from hfecs.errors import StateInvalid
from hfecs.provisioning.state import Record, State
from properties.broken import each_fault, files, written

STACKS: dict[str, Any] = {
    "cluster": {
        "resources": [
            {"kind": "role", "name": "machine", "id": "arn:1", "created": "2026-01-01T00:00:00+00:00"},
            {"kind": "instance", "name": "master", "id": "i-1", "created": "2026-01-01T00:00:00+00:00"},
        ],
        "generations": {"instance/master": 2},
        "outputs": {"image_id": "ami-1", "instance_type": None},
    },
    "run": {"resources": []},
}
TARGET = {"lineage": "0123456789abcdef", "serial": 3, "account": "123456789012", "region": "us-east-1"}
DOCUMENT: dict[str, Any] = {"version": 2, **TARGET, "clusters": {"hyperflow": {"stacks": STACKS}, "b": {"stacks": {}}}}
OLD_DOCUMENT: dict[str, Any] = {"version": 1, **TARGET, "stacks": STACKS}


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("state") / "hfecs.state.json"


def check(path: Path, content: bytes) -> None:
    """A file of this content is a state that can be read, added to and read again, or it is told about."""
    path.write_bytes(content)
    try:
        state = State.load(path)
        state.belongs_to("123456789012", "us-east-1")
    except StateInvalid as error:
        assert error.hint
        assert len(error.message) < 1000
        assert path.read_bytes() == content
        return
    use(state)
    use(State.load(path))


def use(state: State) -> None:
    """All that commands do with a state."""
    record = Record("role", "machine", "arn:2")
    assert state.clusters() == sorted(state.clusters())
    for name in {"cluster", "monitoring", *state.of("hyperflow").stacks()}:
        assert all(isinstance(known.id, str) for known in state.of("hyperflow").records(name))
        assert state.of("hyperflow").generation(name, record.kind, record.name) >= 0
        assert all(isinstance(value, str | None) for value in state.of("hyperflow").outputs(name).values())
    state.of("hyperflow").record("cluster", record)
    state.of("hyperflow").forget("cluster", record)
    assert state.lineage


@given(files(DOCUMENT) | files(OLD_DOCUMENT))
def test_a_file_is_a_state_or_told_to_be_none(path: Path, content: bytes) -> None:
    check(path, content)


@pytest.mark.usefixtures("small_moto")
@pytest.mark.parametrize("document", [DOCUMENT, OLD_DOCUMENT], ids=["of today", "of version 1"])
def test_a_file_with_any_one_fault_is_a_state_or_told_to_be_none(path: Path, document: dict[str, Any]) -> None:
    for faulty in islice(each_fault(document), 0, None, 4):
        check(path, written(faulty).encode())
