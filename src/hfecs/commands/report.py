"""hfecs report: the story of a run in one HTML file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hfecs.commands.runs import BucketName, RunName, named, stack_of
from hfecs.errors import Misused
from hfecs.session import Session


def report(
    context: typer.Context,
    run: RunName = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write [default: RUN.html].", metavar="FILE")
    ] = None,
    open_: Annotated[bool, typer.Option("--open", help="Open it in a browser.")] = False,
    bucket: BucketName = None,
) -> None:
    """Write one HTML file with the story of a run: what set its time, a timeline, its programs, machines and cost.

    The file asks the network for nothing. A run that is still running, failed or was lost has one too, also when its
    cluster is gone.

    Only reads; costs nothing on AWS.
    """
    from hfecs import __version__
    from hfecs.record.report import report as page
    from hfecs.runs import records

    hfecs: Session = context.obj
    name = named(hfecs, run)
    stack = stack_of(hfecs)
    record, workflow, kept = records.read(stack, name, bucket)
    target = output or Path(f"{name}.html")
    written = page(record, records.pictures(stack, kept, workflow), version=__version__)
    try:
        target.write_text(written, encoding="utf-8")
    except OSError as error:
        raise Misused(f"{target} cannot be written: {error.strerror}.", hint="-o FILE names another one") from None
    if not record.tries:
        hfecs.console.say("Nothing is recorded of the jobs of this run.", "yellow")
    hfecs.console.data(str(target))
    if open_:
        typer.launch(str(target.resolve()))
