"""Whatever the state file has become: a state that all commands can work with, or a sentence about it."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from hfecs.errors import StateInvalid
from hfecs.state import Record, State
from properties.broken import each_fault, files, written

DOCUMENT: dict[str, Any] = {
    "version": 1,
    "lineage": "0123456789abcdef",
    "serial": 3,
    "account": "123456789012",
    "region": "us-east-1",
    "stacks": {
        "cluster": {
            "resources": [
                {"kind": "role", "name": "machine", "id": "arn:1", "created": "2026-01-01T00:00:00+00:00"},
                {"kind": "instance", "name": "master", "id": "i-1", "created": "2026-01-01T00:00:00+00:00"},
            ],
            "generations": {"instance/master": 2},
            "outputs": {"image_id": "ami-1", "instance_type": None},
        },
        "run": {"resources": []},
    },
}


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
    for name in {"cluster", "monitoring", *state.stacks()}:
        assert all(isinstance(known.id, str) for known in state.records(name))
        assert state.generation(name, record.kind, record.name) >= 0
        assert all(isinstance(value, str | None) for value in state.outputs(name).values())
    state.record("cluster", record)
    state.forget("cluster", record)
    assert state.lineage


@given(files(DOCUMENT))
def test_a_file_is_a_state_or_told_to_be_none(path: Path, content: bytes) -> None:
    check(path, content)


@pytest.mark.usefixtures("small_moto")
def test_a_file_with_any_one_fault_is_a_state_or_told_to_be_none(path: Path) -> None:
    for document in islice(each_fault(DOCUMENT), 0, None, 2):
        check(path, written(document).encode())
