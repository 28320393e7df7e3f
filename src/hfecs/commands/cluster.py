"""hfecs cluster: create it, delete it."""

from __future__ import annotations

from typing import Annotated

import typer

from hfecs.aws.prices import in_help
from hfecs.commands.options import CLUSTER, sets
from hfecs.session import Session

THROTTLED = """note: the number of workers is set (scaling.worker_*), so they are requested together with machines. ECS
may place them 5 to 27 minutes after these have booted; scaling.instances = "capacity-provider" avoids that."""

app = typer.Typer(help="Create or delete the cluster: broker, workers, scaling.", no_args_is_help=True)


@app.command(short_help="Create the cluster, or change what differs.")
@sets(*CLUSTER)
@in_help
def up(
    context: typer.Context,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Allow changes that interrupt running jobs.")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Return when the broker answers.")] = False,
) -> None:
    """Create the cluster as configured, or change what differs from the configuration.

    Creates one master machine (RabbitMQ and the queue's metrics), an Auto Scaling group of worker machines, an ECS
    cluster with two services, step policies with two alarms, firewalls, roles, a log group and a broker password.

    --wait says how long each step to the broker's answer took; if its machine or its task does not come, it ends with
    AWS's reasons and exit code 1.

    Costs on AWS: the master machine while the cluster exists (a t3.micro or t2.micro is {machine} USD an hour,
    with a public address and 30 GiB of disk {machine_with_disk} USD), the same for each worker machine while there is
    work (about a third of that with scaling.spot = true), and about {metrics} USD a month for metrics, their calls
    and alarms.
    `hfecs destroy` ends all of it; the machines shut down automatically after 12 hours, or after one hour without
    work (cluster.max_hours, cluster.idle_minutes).
    """
    from hfecs.blueprints import cluster, scaling
    from hfecs.observe import readiness

    hfecs: Session = context.obj
    stack = hfecs.stack(cluster.STACK, may_interrupt=yes)
    with hfecs.locked("cluster up"), hfecs.console.summary(f"Cluster {stack.cluster}"):
        cluster.up(stack, hfecs.config)
    if scaling.may_be_throttled(hfecs.config.scaling):
        hfecs.console.say(THROTTLED)
    if not wait:
        return hfecs.console.say("Machines take a minute or two to boot on AWS: hfecs status")
    return readiness.of_broker(hfecs.look(cluster.STACK), hfecs.config, hfecs.console.say)


@app.command(short_help="Delete the cluster; runs and their buckets stay.")
def down(
    context: typer.Context,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Delete the cluster, its running jobs and its logs; runs and their buckets stay.

    Creates nothing, and ends the costs of the cluster. `hfecs destroy` deletes the runs as well.
    """
    from hfecs.blueprints import cluster
    from hfecs.commands.destroy import confirm

    hfecs: Session = context.obj
    hfecs.end_if_nothing_runs()
    stack = hfecs.stack(cluster.STACK)
    confirm(hfecs, f"Delete cluster {stack.cluster} in {hfecs.cloud.region}?", yes)
    with hfecs.locked("cluster down"), hfecs.console.summary(f"Cluster {stack.cluster}"):
        cluster.down(stack)
