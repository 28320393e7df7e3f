"""The jobs of the Montage example, run one after the other, each with nothing but the files that it declares."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy
import pytest
from astropy.io import fits  # type: ignore[import-untyped]

from end_to_end.fits import Difference, compare, pixels, reference_mosaic
from hfecs import workflow
from hfecs.examples import montage
from hfecs.workflow import Process, Workflow

pytestmark = pytest.mark.end_to_end


@pytest.fixture(scope="module")
def job_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("montage") / "job"
    montage.write(directory, grid=3, pixels=100)
    return directory


@pytest.fixture(scope="module")
def store(job_directory: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All the files after all the jobs, as they would lie in the bucket."""
    store = tmp_path_factory.mktemp("store") / "files"
    shutil.copytree(job_directory / "input", store)
    loaded = workflow.load(job_directory)
    for number, process in enumerate(loaded.processes):
        run_alone(loaded, process, store, tmp_path_factory.mktemp(f"job{number}"))
    return store


def run_alone(loaded: Workflow, process: Process, store: Path, directory: Path) -> None:
    for name in loaded.files(process.ins):
        (directory / name).symlink_to(store / name)
    executor = process.config.executor
    assert executor is not None

    subprocess.run([executor.executable, *map(str, executor.args)], cwd=directory, check=True, capture_output=True)

    for name in loaded.files(process.outs):
        shutil.move(directory / name, store / name)


def test_the_mosaic_is_the_one_that_montage_makes_without_a_workflow(
    job_directory: Path, store: Path, tmp_path: Path
) -> None:
    reference = reference_mosaic(job_directory / "input", job_directory / "input" / "region.hdr", tmp_path)

    difference = compare(store / "mosaic.fits", reference)

    assert difference.same_size
    assert difference.only_in_one == 0
    assert difference.greatest < 0.01


def test_the_mosaic_has_the_promised_size_and_a_value_in_every_pixel(store: Path) -> None:
    mosaic = pixels(store / "mosaic.fits")

    assert mosaic.shape == (256, 256)
    assert numpy.isfinite(mosaic).all()


def test_the_picture_is_a_png(store: Path) -> None:
    assert (store / "mosaic.png").read_bytes().startswith(b"\x89PNG")


def test_background_matching_takes_the_seams_away(store: Path, tmp_path: Path) -> None:
    assert step_between_tiles("p", store, tmp_path) > 10
    assert step_between_tiles("c", store, tmp_path) < 0.1


def step_between_tiles(prefix: str, store: Path, directory: Path) -> float:
    """The median difference of two neighbouring tiles where they overlap; "p" before, "c" after the correction."""
    output = directory / f"{prefix}.fits"
    command = ["mDiff", f"{prefix}tile_00_01.fits", f"{prefix}tile_01_01.fits", str(output), "region.hdr"]
    subprocess.run(command, cwd=store, check=True, capture_output=True)
    overlap = pixels(output)
    return abs(float(numpy.nanmedian(overlap)))


def test_comparing_images_finds_a_single_pixel_that_differs(tmp_path: Path) -> None:
    fits.PrimaryHDU(numpy.zeros((2, 2))).writeto(tmp_path / "one.fits")
    fits.PrimaryHDU(numpy.array([[0.0, 2.0], [0.0, numpy.nan]])).writeto(tmp_path / "other.fits")

    assert compare(tmp_path / "one.fits", tmp_path / "other.fits") == Difference(True, 1, 2.0, (4 / 3) ** 0.5)
