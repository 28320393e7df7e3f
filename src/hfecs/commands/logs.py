"""hfecs logs: the output of the containers."""

from __future__ import annotations

from typing import Annotated

import typer

from hfecs.errors import Misused
from hfecs.session import Session

MACHINE = "machine"
PARTS = ("master", "worker", "runner", "telegraf", "monitoring")


def logs(
    context: typer.Context,
    part: Annotated[str | None, typer.Argument(help=f"{', '.join(PARTS)} [default: all parts], or {MACHINE}.")] = None,
    name: Annotated[
        str | None, typer.Argument(help=f"With {MACHINE}: a machine's name or id.", metavar="NAME|ID")
    ] = None,
    since: Annotated[int, typer.Option(help="Minutes to look back.", min=1)] = 60,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Keep printing new lines until Ctrl-C.")] = False,
) -> None:
    """Show the output of the containers, oldest first, each line with its time and container.

    `hfecs logs machine NAME` shows what a machine wrote to its console while it booted, to see why it does not join
    the cluster. EC2 has it some minutes after the boot.

    Only reads; costs nothing on AWS.
    """
    from hfecs.blueprints import cluster, monitoring
    from hfecs.observe.logs import lines

    hfecs: Session = context.obj
    hfecs.end_if_nothing_runs()
    if part == MACHINE:
        _console(hfecs, name)
        return
    if name:
        raise Misused(f"{part} takes no name: {name}.", hint=f"hfecs logs {MACHINE} {name}")
    if part not in (None, *PARTS):
        raise Misused(f"Unknown part {part}.", hint=f"choose {', '.join(PARTS)} or {MACHINE} NAME")
    stack = hfecs.look(monitoring.STACK if part == monitoring.STACK else cluster.STACK)
    is_silent = True
    for line in lines(stack, part, minutes=since, follow=follow):
        hfecs.console.data(line)
        is_silent = False
    if is_silent:
        hfecs.console.say(f"No output of {part or 'any part'} in the last {since} minutes")


def _console(hfecs: Session, name: str | None) -> None:
    """Print the console of a machine, or say that there is nothing yet."""
    from hfecs.blueprints import cluster
    from hfecs.observe.logs import console_output

    if not name:
        raise Misused("No machine was named.", hint=f"hfecs status shows them: hfecs logs {MACHINE} NAME")
    lines = console_output(hfecs.look(cluster.STACK), name)
    for line in lines:
        hfecs.console.data(line)
    if not lines:
        hfecs.console.say(f"EC2 has no console output of {name} yet: it comes some minutes after the boot")
