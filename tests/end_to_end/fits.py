"""A mosaic made by Montage's own chain of programs, and what tells two FITS images apart."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy
from astropy.io import fits  # type: ignore[import-untyped]


@dataclass(frozen=True)
class Difference:
    """How two images differ; `only_in_one` counts the pixels that have a value in one of them and none in the other."""

    same_size: bool
    only_in_one: int
    greatest: float
    rms: float


def reference_mosaic(tiles: Path, header: Path, workdir: Path) -> Path:
    """The mosaic of all tile_*.fits in a directory, made without a workflow by programs that do all tiles at once."""
    for name in ("tiles", "projected", "differences", "corrected"):
        (workdir / name).mkdir(parents=True)
    for tile in tiles.glob("tile_*.fits"):
        (workdir / "tiles" / tile.name).symlink_to(tile.resolve())
    for line in f"""
        mImgtbl tiles images.tbl
        mProjExec -e -p tiles images.tbl {header.resolve()} projected stats.tbl
        mImgtbl projected pimages.tbl
        mOverlaps pimages.tbl differences.tbl
        mDiffExec -p projected differences.tbl {header.resolve()} differences
        mFitExec differences.tbl fits.tbl differences
        mBgModel -i 100000 pimages.tbl fits.tbl corrections.tbl
        mBgExec -p projected pimages.tbl corrections.tbl corrected
        mImgtbl corrected cimages.tbl
        mAdd -e -p corrected cimages.tbl {header.resolve()} mosaic.fits
    """.strip().splitlines():
        ended = subprocess.run(line.split(), cwd=workdir, capture_output=True, text=True, check=True)
        assert 'stat="OK"' in ended.stdout, f"{line.strip()}: {ended.stdout}"
    return workdir / "mosaic.fits"


def pixels(path: Path) -> Any:
    """The pixels of an image as 64-bit numbers; those without a value are NaN."""
    return fits.getdata(path).astype(numpy.float64)


def compare(one: Path, other: Path) -> Difference:
    """How two images differ, pixel by pixel."""
    first, second = pixels(one), pixels(other)
    if first.shape != second.shape:
        return Difference(same_size=False, only_in_one=0, greatest=numpy.inf, rms=numpy.inf)
    missing_in_one = numpy.isnan(first) != numpy.isnan(second)
    difference = (first - second)[~numpy.isnan(first) & ~numpy.isnan(second)]
    greatest, rms = float(abs(difference).max()), float(numpy.sqrt((difference**2).mean()))
    return Difference(True, int(missing_in_one.sum()), greatest, rms)
