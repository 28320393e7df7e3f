"""hfecs plan: what up would do."""

from __future__ import annotations

import typer

from hfecs.commands.context import Context
from hfecs.commands.keys import CLUSTER, sets


@sets(*CLUSTER)
def plan(context: typer.Context) -> None:
    """Show what `hfecs cluster up` would make or change, and do nothing of it.

    It is the code of `up` itself that looks and reports. Reads only; costs nothing on AWS.
    """
    from hfecs.blueprints import cluster

    hfecs: Context = context.obj
    stack = hfecs.stack(cluster.STACK, plan=True)
    with hfecs.console.summary(f"Plan for cluster {stack.cluster}", plan=True):
        cluster.up(stack, hfecs.config)
