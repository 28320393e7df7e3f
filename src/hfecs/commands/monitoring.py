"""hfecs monitoring: InfluxDB and Grafana; make them, remove them, see what they are, look at them."""

from __future__ import annotations

from typing import Annotated

import typer

from hfecs.commands.options import MONITORING, sets
from hfecs.session import Session

app = typer.Typer(help="Make or remove InfluxDB and Grafana; show where they are.", no_args_is_help=True)


@app.command()
@sets(*MONITORING)
def up(
    context: typer.Context,
    yes: Annotated[bool, typer.Option("--yes", help="Also replace a machine that differs, with its metrics.")] = False,
) -> None:
    """Make InfluxDB and Grafana exist; `hfecs cluster up` and `hfecs run` then use them by themselves.

    Makes one machine with two containers in an ECS cluster of its own, passwords made at random, a firewall that
    lets in network.admin_cidrs and the cluster, a log group and two roles. A cluster that stands already takes part
    after its next `hfecs cluster up`.

    Costs on AWS: a t2.micro as long as it stands, with a public address and 30 GiB of disk about 0.02 USD an hour.
    """
    from hfecs.blueprints import monitoring

    hfecs: Session = context.obj
    stack = hfecs.stack(monitoring.STACK, may_interrupt=yes)
    with hfecs.locked("monitoring up"), hfecs.console.summary(f"Monitoring of cluster {stack.cluster}"):
        monitoring.up(stack, hfecs.config)
    hfecs.console.say("Addresses and passwords: hfecs monitoring status")


@app.command()
def down(
    context: typer.Context,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Remove InfluxDB and Grafana with all metrics; clusters and runs go on without.

    Makes nothing, and ends the costs of the monitoring.
    """
    from hfecs.blueprints import monitoring
    from hfecs.commands.destroy import confirm

    hfecs: Session = context.obj
    hfecs.end_if_nothing_runs()
    stack = hfecs.stack(monitoring.STACK)
    confirm(hfecs, f"Remove the monitoring of cluster {stack.cluster} with all its metrics?", yes)
    with hfecs.locked("monitoring down"), hfecs.console.summary(f"Monitoring of cluster {stack.cluster}"):
        monitoring.down(stack)


@app.command()
def status(
    context: typer.Context,
    show_passwords: Annotated[
        bool, typer.Option("--show-passwords", help="Show passwords although this is no terminal.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="For machines, on stdout.")] = False,
) -> None:
    """Show where Grafana and InfluxDB answer, and their users and passwords.

    Reads only; costs nothing on AWS. Without --show-passwords, passwords are shown on a terminal only.
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
        hfecs.console.say(f"There is no monitoring of cluster {view.cluster}. Make it: hfecs monitoring up")
    else:
        hfecs.console.table("Monitoring", ["part", "address", "state"], view.part_rows())
        hfecs.console.table("Accounts", ["part", "user", "password", "may"], view.account_rows())


@app.command("open")
def open_grafana(context: typer.Context) -> None:
    """Open Grafana in a browser; where there is none, its address goes to stdout.

    Reads only; costs nothing on AWS.
    """
    import webbrowser

    from hfecs.blueprints import monitoring
    from hfecs.observe import monitoring as monitoring_view

    hfecs: Session = context.obj
    hfecs.end_if_nothing_runs()
    address = monitoring_view.grafana(hfecs.look(monitoring.STACK), hfecs.config)
    if not webbrowser.open(address):
        hfecs.console.data(address)
