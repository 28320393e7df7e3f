"""hfecs logs: the output of the containers."""

from __future__ import annotations

from typing import Annotated

import typer

from hfecs.errors import Misused
from hfecs.session import Session

PARTS = ("master", "worker", "runner", "telegraf", "monitoring")


def logs(
    context: typer.Context,
    part: Annotated[str | None, typer.Argument(help=f"{', '.join(PARTS)} [default: all parts].")] = None,
    since: Annotated[int, typer.Option(help="Minutes to look back.", min=1)] = 60,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Keep printing new lines until Ctrl-C.")] = False,
) -> None:
    """Show the output of the containers, oldest first, each line with its time and container.

    Only reads; costs nothing on AWS.
    """
    from hfecs.blueprints import cluster, monitoring
    from hfecs.observe.logs import lines

    hfecs: Session = context.obj
    hfecs.end_if_nothing_runs()
    if part not in (None, *PARTS):
        raise Misused(f"Unknown part {part}.", hint=f"choose {', '.join(PARTS[:-1])} or {PARTS[-1]}")
    stack = hfecs.look(monitoring.STACK if part == monitoring.STACK else cluster.STACK)
    for line in lines(stack, part, minutes=since, follow=follow):
        hfecs.console.data(line)
