"""hfecs config: what is configured, and where each value comes from."""

from __future__ import annotations

from typing import Annotated

import typer

from hfecs.session import Session

app = typer.Typer(help="Show what is configured.", no_args_is_help=True)


@app.callback()
def configuration() -> None:
    """Show what is configured."""


@app.command()
def show(
    context: typer.Context,
    json: Annotated[bool, typer.Option("--json", help="For machines, on stdout.")] = False,
) -> None:
    """Show every key with its value and where that was said: flag, variable, line of the file, or default.

    Reads only, on this machine, and costs nothing; secrets are masked. With --local, what a running local cloud says
    of itself counts too.
    """
    hfecs: Session = context.obj
    settings = hfecs.settings()
    if json:
        hfecs.console.data({setting.key: {"value": setting.value, "from": setting.place} for setting in settings})
        return
    hfecs.console.table("Configuration", ["key", "value", "from"], [list(setting.row()) for setting in settings])
