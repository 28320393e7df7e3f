"""The workflow of the Montage example: its dag.json, and the tables that its jobs read.

mProject brings each tile onto the pixels of the mosaic; mDiffFit fits a plane to the difference of two overlapping
tiles; mConcatFit, mImgtbl and mBgModel make of all planes one correction for each tile; mBackground applies it; mImgtbl
and mAdd put the corrected tiles together, and mViewer makes a picture of the mosaic.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from hfecs.examples.sky import Tile

NAME = "montage-example"
"""The name of the workflow in dag.json."""

HEADER = "region.hdr"
"""The header template of the mosaic."""


class Jobs:
    """The processes and signals of a dag.json in the making."""

    def __init__(self) -> None:
        self.processes: list[dict[str, Any]] = []
        self.signals: dict[str, int] = {}

    def add(self, program: str, arguments: str, ins: Iterable[str], outs: Iterable[str]) -> None:
        """Add a job: a program with the words of `arguments` that finds the files `ins` and leaves the files `outs`."""
        self.processes.append(
            {
                "name": program,
                "function": "amqpCommand",
                "type": "dataflow",
                "firingLimit": 1,
                "config": {"executor": {"executable": program, "args": arguments.split()}},
                "ins": [self._signal(name) for name in ins],
                "outs": [self._signal(name) for name in outs],
            }
        )

    def _signal(self, name: str) -> int:
        return self.signals.setdefault(name, len(self.signals))

    def document(self, results: Iterable[str]) -> dict[str, Any]:
        """The whole dag.json; a file that no job writes is sent at the start."""
        written = {index for process in self.processes for index in process["outs"]}
        signals: list[dict[str, Any]] = [{"name": name} for name in self.signals]
        ins = [index for index in range(len(signals)) if index not in written]
        for index in ins:
            signals[index]["data"] = [{}]
        outs = [self.signals[name] for name in results]
        return {"name": NAME, "processes": self.processes, "signals": signals, "ins": ins, "outs": outs}


def with_area(name: str) -> tuple[str, str]:
    """An image, and the file that Montage keeps beside it: how much of each pixel was seen."""
    return f"{name}.fits", f"{name}_area.fits"


def neighbours(tiles: list[Tile]) -> Iterator[tuple[int, int]]:
    """The pairs of tiles that overlap, by their numbers: beside, above, and across the corner."""
    numbers = {(tile.row, tile.column): number for number, tile in enumerate(tiles)}
    for (row, column), number in numbers.items():
        for other in ((row, column + 1), (row + 1, column - 1), (row + 1, column), (row + 1, column + 1)):
            if other in numbers:
                yield number, numbers[other]


def fit_name(one: Tile, other: Tile) -> str:
    """The name of the file in which mDiffFit leaves the plane between two tiles."""
    return f"fit_{one.place}-{other.place}.txt"


def document(tiles: list[Tile]) -> dict[str, Any]:
    """The dag.json that builds a mosaic of the tiles."""
    jobs = Jobs()
    for tile in tiles:
        jobs.add(
            "mProject",
            f"{tile.name}.fits p{tile.name}.fits {HEADER}",
            [f"{tile.name}.fits", HEADER],
            with_area(f"p{tile.name}"),
        )
    fits = _add_fits(jobs, tiles)
    jobs.add("mConcatFit", "fitted.tbl fits.tbl .", ["fitted.tbl", *fits], ["fits.tbl"])
    projected = [f"p{tile.name}.fits" for tile in tiles]
    jobs.add("mImgtbl", "-t projected.tbl . pimages.tbl", ["projected.tbl", *projected], ["pimages.tbl"])
    jobs.add(
        "mBgModel", "-i 100000 pimages.tbl fits.tbl corrections.tbl", ["pimages.tbl", "fits.tbl"], ["corrections.tbl"]
    )
    _add_corrections(jobs, tiles)
    _add_mosaic(jobs, tiles)
    return jobs.document(["mosaic.fits", "mosaic_area.fits", "mosaic.png"])


def _add_fits(jobs: Jobs, tiles: list[Tile]) -> list[str]:
    fits = []
    for number, other in neighbours(tiles):
        one, two = tiles[number], tiles[other]
        fits.append(fit_name(one, two))
        jobs.add(
            "mDiffFit",
            f"-s {fits[-1]} p{one.name}.fits p{two.name}.fits difference.fits {HEADER}",
            [*with_area(f"p{one.name}"), *with_area(f"p{two.name}"), HEADER],
            [fits[-1]],
        )
    return fits


def _add_corrections(jobs: Jobs, tiles: list[Tile]) -> None:
    for tile in tiles:
        jobs.add(
            "mBackground",
            f"-t p{tile.name}.fits c{tile.name}.fits pimages.tbl corrections.tbl",
            [*with_area(f"p{tile.name}"), "pimages.tbl", "corrections.tbl"],
            with_area(f"c{tile.name}"),
        )


def _add_mosaic(jobs: Jobs, tiles: list[Tile]) -> None:
    corrected = [f"c{tile.name}.fits" for tile in tiles]
    with_areas = [name for tile in tiles for name in with_area(f"c{tile.name}")]
    jobs.add("mImgtbl", "-t corrected.tbl . cimages.tbl", ["corrected.tbl", *corrected], ["cimages.tbl"])
    jobs.add("mAdd", f"-e cimages.tbl {HEADER} mosaic.fits", ["cimages.tbl", HEADER, *with_areas], with_area("mosaic"))
    # Black up to two standard deviations above the sky: the noise, which differs from tile to tile, is not shown.
    jobs.add("mViewer", "-ct 0 -gray mosaic.fits 2s max gaussian-log -out mosaic.png", ["mosaic.fits"], ["mosaic.png"])


def tables(tiles: list[Tile]) -> dict[str, str]:
    """The tables that the jobs read and no job writes: which images there are, and which pairs were fitted."""
    pairs = [(str(one), str(other), fit_name(tiles[one], tiles[other])) for one, other in neighbours(tiles)]
    return {
        "projected.tbl": _table({"fname": "char"}, [(f"p{tile.name}.fits",) for tile in tiles]),
        "corrected.tbl": _table({"fname": "char"}, [(f"c{tile.name}.fits",) for tile in tiles]),
        "fitted.tbl": _table({"cntr1": "int", "cntr2": "int", "stat": "char"}, pairs),
    }


def _table(columns: dict[str, str], rows: Sequence[tuple[str, ...]]) -> str:
    """A table as Montage reads it: names and types of the columns between bars, and the values below them."""
    lines = [tuple(columns), tuple(columns.values()), *rows]
    widths = [max(map(len, cells)) for cells in zip(*lines, strict=True)]
    padded = [[cell.rjust(width) for cell, width in zip(line, widths, strict=True)] for line in lines]
    heads, values = padded[:2], padded[2:]
    return "".join([f"|{'|'.join(cells)}|\n" for cells in heads] + [f" {' '.join(cells)} \n" for cells in values])
