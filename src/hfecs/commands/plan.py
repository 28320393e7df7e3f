"""hfecs plan: what up would do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Annotated

import typer

from hfecs.commands.options import CLUSTER, sets
from hfecs.session import Session

# Exit codes of --detailed-exitcode, as in Terraform; 0 means nothing to do.
FAILED, CHANGES = 1, 2


@sets(*CLUSTER)
def plan(
    context: typer.Context,
    json: Annotated[bool, typer.Option("--json", help="Print JSON on stdout; see docs/plan.md.")] = False,
    detailed_exitcode: Annotated[
        bool, typer.Option("--detailed-exitcode", help="Exit with 0: nothing to do, 1: an error, 2: changes.")
    ] = False,
) -> None:
    """Show what `hfecs cluster up` would create or change, field by field, without doing it.

    Runs the code of `up` itself without its changes: what differs from the configuration, whether new there or
    changed by hand in AWS, what would be replaced, and what that would interrupt. Includes the monitoring if it
    exists. Only reads; costs nothing on AWS.
    """
    hfecs: Session = context.obj
    with _one_code() if detailed_exitcode else nullcontext():
        has_changes = _show(hfecs, as_data=json)
    if detailed_exitcode and has_changes:
        raise typer.Exit(CHANGES)


def _show(hfecs: Session, *, as_data: bool) -> bool:
    from hfecs.blueprints import cluster, monitoring
    from hfecs.blueprints import plan as planning

    whole, watching = (hfecs.stack(name, plan=True) for name in (cluster.STACK, monitoring.STACK))
    shown = nullcontext() if as_data else hfecs.console.steps_shown()
    with shown, hfecs.console.summary(f"Plan for cluster {whole.cluster}", plan=True):
        planned = planning.plan(whole, watching, hfecs.config)
        for _, step in planned.steps:
            hfecs.console.step(step)
    for stack, kind, found in planned.orphans:
        (hfecs.console.say if as_data else hfecs.console.show)(
            f"· {kind} {found.name}  belongs to this {stack}, but is no longer configured; hfecs destroy deletes it"
        )
    if as_data:
        hfecs.console.data(planned.as_dict())
    return planned.has_changes


@contextmanager
def _one_code() -> Iterator[None]:
    """Let every error exit with 1, since 2 means changes here."""
    from hfecs.aws.errors import expected_errors
    from hfecs.explained import explained

    expected: tuple[type[Exception], ...] = (ExceptionGroup, OSError, *expected_errors())
    try:
        yield
    except expected as error:
        told = explained(error)
        if not told:
            raise
        for single in told:
            single.exit_code = FAILED
        raise ExceptionGroup("the plan failed", told) from error
