"""hfecs example: workflows to start with."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hfecs.session import Session

app = typer.Typer(help="Write an example workflow.", no_args_is_help=True)


@app.callback()
def examples() -> None:
    """Write an example workflow."""


@app.command(short_help="Write a Montage mosaic over a synthetic sky.")
def montage(
    context: typer.Context,
    directory: Annotated[Path, typer.Argument(help="Where to write the job directory.", metavar="DIR")],
    grid: Annotated[int, typer.Option(help="Tiles along each side of the mosaic.")] = 4,
    pixels: Annotated[int, typer.Option(help="Pixels along each side of a tile.")] = 300,
) -> None:
    """Write a Montage workflow: overlapping images of one synthetic sky, and the jobs that build a mosaic of them.

    Creates GRID x GRID FITS tiles with different backgrounds, tables and workdir/dag.json under DIR, only on this
    machine. The same arguments give the same bytes. Needs Montage's programs; costs nothing.
    """
    from hfecs.examples import montage as example

    hfecs: Session = context.obj
    with hfecs.console.counting("tiles") as show:
        summary = example.write(directory, grid=grid, pixels=pixels, progress=show)
    hfecs.console.say(f"{summary.tiles} tiles and {summary.jobs} jobs written to {directory}.")
    hfecs.console.say(f"Run them: hfecs --local cluster up, then hfecs --local run {directory} --bucket montage-demo")
