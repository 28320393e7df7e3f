"""hfecs monitoring: create, delete, show and open InfluxDB and Grafana."""

from __future__ import annotations

from typing import Annotated

import typer

from hfecs.aws.prices import in_help
from hfecs.commands.options import MONITORING, sets
from hfecs.session import Session

app = typer.Typer(help="Create, delete or show InfluxDB and Grafana.", no_args_is_help=True)


@app.command(short_help="Create InfluxDB and Grafana.")
@sets(*MONITORING)
@in_help
def up(
    context: typer.Context,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Allow replacing the machine, with its metrics.")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Return when Grafana answers.")] = False,
) -> None:
    """Create InfluxDB and Grafana; `hfecs cluster up` and `hfecs run` then use them automatically.

    Creates one machine with two containers in an ECS cluster of its own, random passwords, a firewall that admits
    network.admin_cidrs and the cluster, a log group and two roles. An existing cluster uses them after its next
    `hfecs cluster up`.

    --wait says how long each step to Grafana's answer took; if its machine or its task does not come, it ends with
    AWS's reasons and exit code 1.

    Costs on AWS: a t3.micro or t2.micro while it exists; with a public address and 30 GiB of disk {machine_with_disk}
    USD an hour.
    """
    from hfecs.blueprints import monitoring
    from hfecs.observe import readiness

    hfecs: Session = context.obj
    stack = hfecs.stack(monitoring.STACK, may_interrupt=yes)
    with hfecs.locked("monitoring up"), hfecs.console.summary(f"Monitoring of cluster {stack.cluster}"):
        monitoring.up(stack, hfecs.config)
    if wait:
        readiness.of_grafana(hfecs.look(monitoring.STACK), hfecs.config, hfecs.console.say)
    hfecs.console.say("Addresses and passwords: hfecs monitoring status")


@app.command(short_help="Delete InfluxDB and Grafana with all metrics.")
def down(
    context: typer.Context,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Delete InfluxDB and Grafana with all metrics; clusters and runs keep working.

    Creates nothing, and ends the costs of the monitoring.
    """
    from hfecs.blueprints import monitoring
    from hfecs.commands.destroy import confirm

    hfecs: Session = context.obj
    hfecs.end_if_nothing_runs()
    stack = hfecs.stack(monitoring.STACK)
    confirm(hfecs, f"Delete the monitoring of cluster {stack.cluster} with all its metrics?", yes)
    with hfecs.locked("monitoring down"), hfecs.console.summary(f"Monitoring of cluster {stack.cluster}"):
        monitoring.down(stack)


@app.command(short_help="Show their addresses, users and passwords.")
def status(
    context: typer.Context,
    show_passwords: Annotated[
        bool, typer.Option("--show-passwords", help="Show passwords even if stdout is not a terminal.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON on stdout.")] = False,
) -> None:
    """Show the addresses of Grafana and InfluxDB, and their users and passwords.

    Only reads; costs nothing on AWS. Without --show-passwords, passwords are shown only on a terminal.
    """
    from hfecs.blueprints import monitoring
    from hfecs.observe import monitoring as monitoring_view

    hfecs: Session = context.obj
    hfecs.end_if_nothing_runs()
    with_passwords = show_passwords or (hfecs.console.is_terminal and not json)
    view = monitoring_view.look(hfecs.look(monitoring.STACK), hfecs.config, with_passwords=with_passwords)
    if json:
        hfecs.console.data(view.as_dict())
    elif not view.machine:
        hfecs.console.show(f"Cluster {view.cluster} has no monitoring. Create it: hfecs monitoring up")
    else:
        hfecs.console.table("Monitoring", ["part", "address", "state"], view.part_rows())
        hfecs.console.table("Accounts", ["part", "user", "password", "may"], view.account_rows())


@app.command("open", short_help="Open Grafana in a browser.")
def open_grafana(context: typer.Context) -> None:
    """Open Grafana in a browser; without a browser, print its address on stdout.

    Only reads; costs nothing on AWS.
    """
    import webbrowser

    from hfecs.blueprints import monitoring
    from hfecs.observe import monitoring as monitoring_view

    hfecs: Session = context.obj
    hfecs.end_if_nothing_runs()
    address = monitoring_view.grafana(hfecs.look(monitoring.STACK), hfecs.config)
    if not webbrowser.open(address):
        hfecs.console.data(address)
