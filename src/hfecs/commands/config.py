"""hfecs config: what is configured, and where each value comes from."""

from __future__ import annotations

from typing import Annotated

import typer

from hfecs.session import Session

app = typer.Typer(help="Show the configuration.", no_args_is_help=True)


@app.callback()
def configuration() -> None:
    """Show the configuration."""


@app.command(short_help="Show every key with its value and source.")
def show(
    context: typer.Context,
    json: Annotated[bool, typer.Option("--json", help="Print JSON on stdout.")] = False,
) -> None:
    """Show every key with its value and source: flag, variable, line of the file, or default.

    Only reads, on this machine, and costs nothing; secrets are masked. With --local, the settings of a running local
    cloud are included.
    """
    hfecs: Session = context.obj
    settings = hfecs.settings()
    if json:
        hfecs.console.data({setting.key: {"value": setting.value, "from": setting.place} for setting in settings})
        return
    hfecs.console.table("Configuration", ["key", "value", "from"], [list(setting.row()) for setting in settings])
