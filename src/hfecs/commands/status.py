"""hfecs status: what exists, what runs, what waits."""

from __future__ import annotations

from typing import Annotated

import typer

from hfecs.commands import elsewhere
from hfecs.session import Session


def status(
    context: typer.Context,
    json: Annotated[bool, typer.Option("--json", help="Print JSON on stdout.")] = False,
) -> None:
    """Show the machines, services, queue and last run of the cluster, and the time until it shuts down.

    If machines or tasks could not be started, says why, in AWS's words and with a hint where the reason is known.

    Only reads; costs nothing on AWS.
    """
    from hfecs.aws import prices
    from hfecs.blueprints import cluster
    from hfecs.blueprints import run as run_blueprint
    from hfecs.observe.status import overview

    hfecs: Session = context.obj
    hfecs.end_if_nothing_runs()
    known = overview(hfecs.look(cluster.STACK), hfecs.stack(run_blueprint.STACK))
    if json:
        hfecs.console.data(known.as_dict())
        return
    if known.left:
        hfecs.console.table("Left behind", ["what", "cost", "because"], known.left_rows())
    if not known.exists and not known.left:
        hfecs.console.show(f"Cluster {known.cluster} does not exist in {known.region}. Create it: hfecs cluster up")
        for pointer in elsewhere.pointers(hfecs, "status"):
            hfecs.console.say(f"· {pointer}")
        return
    if not known.exists:
        return
    console = hfecs.console
    console.table("Machines", ["machine", "id", "type", "state", "address", "in the cluster"], known.machine_rows())
    console.table("Services", ["service", "tasks", "desired", "pending", "last event"], known.service_rows())
    console.table("Alarms", ["alarm", "state", "because"], known.alarm_rows())
    console.table("Queue", ["what", "jobs"], known.queue_rows())
    for line in known.reason_lines():
        console.show(line, "yellow")
    standing = f"{prices.words(known.usd_per_hour)} ({prices.BASIS})"
    console.show(f"On AWS this would cost: {standing}" if hfecs.is_local else f"Current costs: {standing}")
    for sentence in known.time_left.sentences():
        console.show(sentence)
    if known.run:
        over = known.run_state in ("failed", "stopped", "lost")
        further = f"Continue it: hfecs run --resume {known.run}" if over else "Follow it: hfecs run --attach"
        printed = "\nWhat its failed jobs printed: hfecs logs --failed" if known.run_state == "failed" else ""
        console.show(f"Last run: {known.run} ({known.run_state}), files in s3://{known.bucket}. {further}{printed}")
