"""The Montage example: a job directory that makes a mosaic of a synthetic sky.

Its tiles are FITS images that Montage's own programs draw: overlapping, turned a little, each with a background and
noise of its own. The workflow matches the backgrounds: the mosaic shows a spiral galaxy among stars, without seams.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from hfecs.errors import Failed, Misused, Refused
from hfecs.examples import mosaic_workflow
from hfecs.examples.sky import CENTRE, DEGREES_PER_PIXEL, Sky, Source, Tile, equatorial, galactic

PACKAGES = "montage montage-gridtools"
"""The Debian packages with Montage's programs."""

GRIDS = range(2, 61)
"""How many tiles the sky can have in each direction: with one there is nothing to match; 60 are 21,000 jobs."""

PIXELS = range(60, 4097)
"""How many pixels a tile can have in each direction; Montage fits planes badly to overlaps of less than 10 pixels."""


@dataclass(frozen=True)
class Summary:
    """What was written: where, how many tiles and jobs, the mosaic's side (pixels), the inputs' size (bytes)."""

    directory: Path
    tiles: int
    jobs: int
    side: int
    input_bytes: int


def write(
    directory: Path,
    *,
    grid: int = 4,
    pixels: int = 300,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Summary:
    """Write a job directory for `grid` x `grid` tiles of `pixels` x `pixels`; the same bytes each time.

    `progress` gets the number of finished tiles and the total.
    Raises Misused for numbers out of range, Refused if the directory holds another job, Failed without Montage.
    """
    _check(directory, grid, pixels)
    sky = Sky(grid, pixels)
    inputs, workdir = directory / "input", directory / "workdir"
    for folder in (inputs, workdir):
        folder.mkdir(parents=True, exist_ok=True)
    document = mosaic_workflow.document(sky.tiles)
    (workdir / "dag.json").write_text(json.dumps(document, indent=1) + "\n")
    (inputs / mosaic_workflow.HEADER).write_text(_mosaic_header(sky))
    for name, text in mosaic_workflow.tables(sky.tiles).items():
        (inputs / name).write_text(text)
    for stale in inputs.glob("tile_*.fits"):
        stale.unlink()
    _write_tiles(sky, inputs, progress)
    size = sum(inputs.joinpath(signal["name"]).stat().st_size for signal in document["signals"] if "data" in signal)
    return Summary(directory, len(sky.tiles), len(document["processes"]), sky.side, size)


def _check(directory: Path, grid: int, pixels: int) -> None:
    """Refuse sizes out of range, and a directory that contains something else."""
    for what, number, allowed in (("grid", grid, GRIDS), ("pixels", pixels, PIXELS)):
        if number not in allowed:
            raise Misused(f"The example does not support {what} {number}.", f"choose {allowed[0]} to {allowed[-1]}")
    if directory.exists() and not directory.is_dir():
        raise Misused(f"{directory} is a file.", "name a new directory")
    if directory.exists() and any(directory.iterdir()) and not _is_ours(directory / "workdir" / "dag.json"):
        raise Refused(f"{directory} contains something other than this example.", "name a new or an empty directory")


def _is_ours(dag: Path) -> bool:
    try:
        document = json.loads(dag.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(document, dict) and document.get("name") == mosaic_workflow.NAME


def _write_tiles(sky: Sky, inputs: Path, progress: Callable[[int, int], None]) -> None:
    """Create the tiles, one per core at a time."""
    total = len(sky.tiles)
    with tempfile.TemporaryDirectory() as work, ThreadPoolExecutor(os.cpu_count()) as makers:
        made = makers.map(lambda tile: _make_tile(sky, tile, Path(work), inputs / f"{tile.name}.fits"), sky.tiles)
        for done, _ in enumerate(made, start=1):
            progress(done, total)


def _run_montage(program: str, *arguments: object) -> None:
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


def _header(axes: tuple[str, str], size: tuple[int, int], centre: tuple[float, float], rotation: float = 0) -> str:
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


def _mosaic_header(sky: Sky) -> str:
    """The header template of the mosaic, in galactic coordinates: the tiles have to be turned onto its pixels."""
    return _header(("GLON", "GLAT"), (sky.side, sky.side), CENTRE)


def _make_tile(sky: Sky, tile: Tile, work: Path, output: Path) -> None:
    """Write a tile as a FITS file of 32-bit numbers; `work` is a directory for what is needed on the way."""
    raw, cut, template = (work / f"{tile.name}.{end}" for end in ("raw.fits", "cut.fits", "hdr"))
    # mMakeImg skips sources whose centre is outside, so the image gets a margin, which is cut off. Its noise
    # is the same series each time: a different width for each tile makes the noise of neighbours differ.
    shift = (7 * tile.row + tile.column) % 31
    size = (sky.pixels + 2 * (sky.margin + shift), sky.pixels + 2 * sky.margin)
    right_ascension, declination, angle = equatorial(*galactic(tile.x, tile.y))
    template.write_text(_header(("RA", "DEC"), size, (right_ascension, declination), tile.rotation - angle))
    tables = _tables(sky.sources(tile), work, tile.name)
    _run_montage("mMakeImg", "-n", tile.noise, "-b", *tile.background, *tables, template, raw)
    _run_montage("mSubimage", "-p", raw, cut, sky.margin + shift + 1, sky.margin + 1, sky.pixels - 1, sky.pixels - 1)
    _run_montage("mConvert", "-b", -32, cut, output)
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
