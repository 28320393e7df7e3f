"""What is written down of how a run began."""

from __future__ import annotations

import json

import pytest
from pydantic import ValidationError

from hfecs.workflow import Beginning


def test_a_run_began_as_it_was_written_down() -> None:
    beginning = Beginning(
        run="20260101T120000-abc",
        started="2026-01-01T12:00:00Z",
        attempt=3,
        variables={"degree": "0.5"},
        options={"storage": "nfs", "retries": 2.0},
        workdir={"dag.json": "ab" * 32},
        inputs={"tile.fits": "cd" * 16},
        prefix="runs/20260101T120000-abc/files/",
    )

    content = beginning.to_json().encode()

    assert Beginning.from_json(content) == beginning
    assert json.loads(content)["options"] == {"storage": "nfs", "retries": 2.0}


def test_a_file_of_an_earlier_version_has_fewer_fields_and_one_of_a_later_version_has_more() -> None:
    beginning = Beginning.from_json(b'{"run": "r", "started": "then", "priority": 7}')

    assert beginning == Beginning(run="r", started="then")


def test_files_are_found_by_content_or_in_the_folder_of_the_run_and_before_that_in_the_one_of_all() -> None:
    own = Beginning(inputs={"a": "1"}, prefix="runs/r/files/")
    shared = Beginning(inputs={"a": "1"})

    assert [own.key_of(name) for name in "ab"] == ["files/1/input/a", "runs/r/files/b"]
    assert [shared.key_of(name) for name in "ab"] == ["input/a", "input/b"]


@pytest.mark.parametrize("content", [b"", b"[]", b"null", b'{"attempt": "first"}', b'{"inputs": ["tile.fits"]}'])
def test_what_is_no_such_file_is_an_error(content: bytes) -> None:
    with pytest.raises(ValidationError):
        Beginning.from_json(content)
