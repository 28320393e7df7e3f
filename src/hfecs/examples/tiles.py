"""The FITS files of the Montage example, created with Montage's own programs."""

from __future__ import annotations

import shutil
import subprocess
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from hfecs.errors import Failed
from hfecs.examples.sky import CENTRE, DEGREES_PER_PIXEL, Sky, Source, Tile, equatorial, galactic

PACKAGES = "montage montage-gridtools"
"""The Debian packages with Montage's programs."""


def montage(program: str, *arguments: object) -> None:
    """Run a program of Montage; Failed if it is missing, or reports a failure (some then exit with 0)."""
    path = shutil.which(program)
    if path is None:
        raise Failed(f"Montage's program {program} is not installed.", f"sudo apt-get install {PACKAGES}")
    command = [path, *map(str, arguments)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode != 0 or 'stat="ERROR"' in ended.stdout:
        said = (ended.stdout + ended.stderr).strip() or f"exit code {ended.returncode}"
        raise Failed(
            f"{program} failed on {arguments[-1]}: {said}",
            "check that the disk is not full and the directory is writable",
        )


def header(axes: tuple[str, str], size: tuple[int, int], centre: tuple[float, float], rotation: float = 0) -> str:
    """A header template for mMakeImg and mProject: its centre is `centre`; degrees."""
    return f"""SIMPLE  = T
BITPIX  = -64
NAXIS   = 2
NAXIS1  = {size[0]}
NAXIS2  = {size[1]}
CTYPE1  = '{axes[0]:-<4}-TAN'
CTYPE2  = '{axes[1]:-<4}-TAN'
EQUINOX = 2000
CRVAL1  = {centre[0]:.9f}
CRVAL2  = {centre[1]:.9f}
CRPIX1  = {(size[0] + 1) / 2}
CRPIX2  = {(size[1] + 1) / 2}
CDELT1  = {-DEGREES_PER_PIXEL:.12f}
CDELT2  = {DEGREES_PER_PIXEL:.12f}
CROTA2  = {rotation:.6f}
END
"""


def mosaic_header(sky: Sky) -> str:
    """The header template of the mosaic, in galactic coordinates: the tiles have to be turned onto its pixels."""
    return header(("GLON", "GLAT"), (sky.side, sky.side), CENTRE)


def make(sky: Sky, tile: Tile, work: Path, output: Path) -> None:
    """Write a tile as a FITS file of 32-bit numbers; `work` is a directory for what is needed on the way."""
    raw, cut, template = (work / f"{tile.name}.{end}" for end in ("raw.fits", "cut.fits", "hdr"))
    # mMakeImg skips sources whose centre is outside, so the image gets a margin, which is cut off. Its noise
    # is the same series each time: a different width for each tile makes the noise of neighbours differ.
    shift = (7 * tile.row + tile.column) % 31
    size = (sky.pixels + 2 * (sky.margin + shift), sky.pixels + 2 * sky.margin)
    right_ascension, declination, angle = equatorial(*galactic(tile.x, tile.y))
    template.write_text(header(("RA", "DEC"), size, (right_ascension, declination), tile.rotation - angle))
    tables = _tables(sky.sources(tile), work, tile.name)
    montage("mMakeImg", "-n", tile.noise, "-b", *tile.background, *tables, template, raw)
    montage("mSubimage", "-p", raw, cut, sky.margin + shift + 1, sky.margin + 1, sky.pixels - 1, sky.pixels - 1)
    montage("mConvert", "-b", -32, cut, output)
    for path in (raw, cut):
        path.unlink()


def _tables(sources: Iterable[Source], work: Path, name: str) -> list[object]:
    """Write a table of sources for each width, and return the options that hand them to mMakeImg."""
    by_width: dict[float, list[str]] = defaultdict(list)
    for source in sources:
        longitude, latitude = galactic(source.x, source.y)
        row = f" {longitude:14.8f} {latitude:14.8f} {source.magnitude:9.4f} \n"
        by_width[round(source.width, 1)].append(row)
    options: list[object] = []
    for width, rows in sorted(by_width.items()):
        table = work / f"{name}.{width}.tbl"
        table.write_text(f"|{'glon':>14}|{'glat':>14}|{'mag':>9}|\n{''.join(rows)}")
        options += ["-t", table, "mag", width, "GAL", 2000, 20, "mag", "gaussian"]
    return options
