from __future__ import annotations

from pathlib import Path

import pytest

from hfecs import workflow
from hfecs.errors import Failed, Misused, Refused
from hfecs.examples import montage


def contents(directory: Path) -> dict[str, bytes]:
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def test_the_job_directory_can_be_run_and_its_summary_is_true(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []

    summary = montage.write(
        tmp_path / "job", grid=2, pixels=60, progress=lambda done, total: told.append((done, total))
    )

    loaded = workflow.load(tmp_path / "job")
    assert (summary.tiles, summary.jobs) == (4, len(loaded.processes))
    assert summary.input_bytes == sum(path.stat().st_size for path in (tmp_path / "job" / "input").iterdir())
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_the_same_arguments_give_the_same_bytes(tmp_path: Path) -> None:
    montage.write(tmp_path / "one", grid=2, pixels=60)
    montage.write(tmp_path / "two", grid=2, pixels=60)

    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_writing_a_smaller_example_again_leaves_no_tile_of_the_larger_one(tmp_path: Path) -> None:
    montage.write(tmp_path / "again", grid=3, pixels=60)
    montage.write(tmp_path / "again", grid=2, pixels=60)
    montage.write(tmp_path / "new", grid=2, pixels=60)

    assert contents(tmp_path / "again") == contents(tmp_path / "new")


def test_a_directory_with_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "workdir").mkdir()
    (tmp_path / "workdir" / "dag.json").write_text('{"name": "mine"}')

    with pytest.raises(Refused, match="contains something other"):
        montage.write(tmp_path)

    assert contents(tmp_path) == {"workdir/dag.json": b'{"name": "mine"}'}


@pytest.mark.parametrize(("grid", "pixels", "what"), [(1, 300, "grid 1"), (61, 300, "grid 61"), (4, 59, "pixels 59")])
def test_numbers_out_of_range_are_refused(tmp_path: Path, grid: int, pixels: int, what: str) -> None:
    with pytest.raises(Misused, match=what):
        montage.write(tmp_path / "job", grid=grid, pixels=pixels)

    assert not (tmp_path / "job").exists()


def test_without_montage_the_debian_packages_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(Failed, match="mMakeImg is not installed") as raised:
        montage.write(tmp_path / "job", grid=2, pixels=60)

    assert raised.value.hint == "sudo apt-get install montage montage-gridtools"
