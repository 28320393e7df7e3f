"""hfecs cluster: make it, remove it."""

from __future__ import annotations

from typing import Annotated

import typer

from hfecs.commands.options import CLUSTER, sets
from hfecs.session import Session

app = typer.Typer(help="Make or remove the cluster: broker, workers, scaling.", no_args_is_help=True)


@app.command()
@sets(*CLUSTER)
def up(
    context: typer.Context,
    yes: Annotated[bool, typer.Option("--yes", help="Also make changes that interrupt running jobs.")] = False,
) -> None:
    """Make the cluster exist as configured; run again, it changes only what differs.

    Makes one master machine (RabbitMQ and the queue's metrics), an Auto Scaling group of worker machines, an ECS
    cluster with two services, step policies with two alarms, firewalls, roles, a log group and a broker password.

    Costs on AWS: the master machine as long as the cluster stands (a t2.micro is about 0.012 USD an hour, with
    a public address and 30 GiB of disk about 0.02 USD), the same for each worker machine while there is work
    (with scaling.spot = true about a third of that), and about 8 USD a month for metrics, their calls and
    alarms. `hfecs destroy` ends all of it; the machines end by themselves after 12 hours, or after one without
    work (cluster.max_hours, cluster.idle_minutes).
    """
    from hfecs.blueprints import cluster

    hfecs: Session = context.obj
    stack = hfecs.stack(cluster.STACK, may_interrupt=yes)
    with hfecs.locked("cluster up"), hfecs.console.summary(f"Cluster {stack.cluster}"):
        cluster.up(stack, hfecs.config)
    hfecs.console.say("Machines take a minute or two to boot on AWS: hfecs status")


@app.command()
def down(
    context: typer.Context,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Remove the cluster, its running jobs and its log lines; runs and their buckets stay.

    Makes nothing, and ends the costs of the cluster. `hfecs destroy` removes the runs as well.
    """
    from hfecs.blueprints import cluster
    from hfecs.commands.destroy import confirm

    hfecs: Session = context.obj
    hfecs.end_if_nothing_runs()
    stack = hfecs.stack(cluster.STACK)
    confirm(hfecs, f"Remove cluster {stack.cluster} in {hfecs.cloud.region}?", yes)
    with hfecs.locked("cluster down"), hfecs.console.summary(f"Cluster {stack.cluster}"):
        cluster.down(stack)
