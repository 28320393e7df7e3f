"""The Montage example: a job directory that builds a mosaic of a synthetic sky.

Its tiles are FITS images that Montage's own programs draw: overlapping, turned a little, each with a background and
noise of its own. The workflow matches the backgrounds: the mosaic shows a spiral galaxy among stars, without seams.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from hfecs.errors import Misused, Refused
from hfecs.examples import mosaic_workflow, tiles
from hfecs.examples.sky import Sky

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
    (inputs / mosaic_workflow.HEADER).write_text(tiles.mosaic_header(sky))
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
        made = makers.map(lambda tile: tiles.make(sky, tile, Path(work), inputs / f"{tile.name}.fits"), sky.tiles)
        for done, _ in enumerate(made, start=1):
            progress(done, total)
