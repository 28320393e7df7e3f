"""hfecs local: the cloud embedded in this machine."""

from __future__ import annotations

import typer

from hfecs.session import Session

app = typer.Typer(help="The cloud embedded in this machine: start it, end it, look at it.", no_args_is_help=True)


@app.command()
def up(context: typer.Context) -> None:
    """Start this project's local cloud; other commands with --local do it by themselves.

    Makes one process that answers the AWS calls, on an address of its own in 127.0.0.0/8, with its data in .hfecs/
    beside the configuration. Costs nothing.
    """
    hfecs: Session = context.obj
    hfecs.console.say(f"The local cloud answers at {hfecs.local_cloud.endpoint_url}.")


@app.command()
def down(context: typer.Context) -> None:
    """End this project's local cloud with all its machines, tasks and data, buckets included. Costs nothing."""
    from hfecs.local import client

    hfecs: Session = context.obj
    hfecs.wants_local = True
    ended = client.down(hfecs.local_folder)
    if path := hfecs.state_path:
        path.unlink(missing_ok=True)
    hfecs.console.say("The local cloud has ended." if ended else "No local cloud was running here.")


@app.command()
def status(context: typer.Context) -> None:
    """Show the processes of this project's local cloud; none is good news after `hfecs local down`. Costs nothing."""
    from hfecs.local import client
    from hfecs.local.processes import processes_of

    hfecs: Session = context.obj
    cloud = client.find(hfecs.local_folder)
    rows = [[str(process.pid), process.what] for process in processes_of(hfecs.local_folder)]
    if rows:
        title = f"Local cloud at {cloud.endpoint_url}" if cloud else "Left over from a local cloud that died"
        hfecs.console.table(title, ["process", "what"], rows)
    else:
        hfecs.console.say("Nothing: no local cloud is running here, and no process of one.")
