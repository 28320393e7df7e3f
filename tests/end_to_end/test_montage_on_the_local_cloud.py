"""The main job: a Montage mosaic by the real engine, broker and programs, on a cluster that hfecs made and removed."""

from __future__ import annotations

from pathlib import Path

import pytest

from end_to_end.fits import compare, reference_mosaic
from end_to_end.project import Project, created, project, wait_until

pytestmark = pytest.mark.end_to_end

# The DAG and Montage's own chain add the same numbers in another order.
ROUNDING = 0.01


def test_a_mosaic_is_made_as_by_montage_itself_and_nothing_is_left(tmp_path: Path) -> None:
    with project(tmp_path) as here:
        here.done("example", "montage", "montage", "--grid", "3", "--pixels", "100")
        assert created(here.done("--local", "cluster", "up")) > 20
        assert "0 to create" in here.done("--local", "plan")
        assert created(here.done("--local", "cluster", "up")) == 0

        said = here.done("--local", "run", "montage", "--bucket", "montage-demo", "--download", "mosaic")

        assert "succeeded" in said
        assert (tmp_path / "mosaic" / "mosaic.png").stat().st_size > 0
        reference = reference_mosaic(tmp_path / "montage" / "input", _header(tmp_path), tmp_path / "reference")
        difference = compare(tmp_path / "mosaic" / "mosaic.fits", reference)
        assert difference.same_size
        assert difference.only_in_one == 0
        assert difference.greatest < ROUNDING

        # A second run uploads nothing and ends well too, and the machines of both engines end themselves.
        again = here.done("--verbose", "--local", "run", "montage", "--bucket", "montage-demo")
        assert "0 of" in again
        wait_until(lambda: _runners(here) == [], what="the machines of the engines to end themselves", seconds=90)

        here.done("--local", "destroy", "--yes", "--delete-data")
        known = here.status()
        assert (known["machines"], known["services"], known["alarms"]) == ([], [], [])
        assert here.processes() == ["daemon"]


def _runners(here: Project) -> list[str]:
    return [machine["name"] for machine in here.status()["machines"] if machine["name"].startswith("runner")]


def _header(folder: Path) -> Path:
    return next((folder / "montage" / "input").glob("*.hdr"))
