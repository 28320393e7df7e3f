"""hfecs local: the local cloud on this machine."""

from __future__ import annotations

import typer

from hfecs.session import Session

app = typer.Typer(help="Start, stop or inspect the local cloud on this machine.", no_args_is_help=True)


@app.command(short_help="Start the local cloud of this project.")
def up(context: typer.Context) -> None:
    """Start this project's local cloud; other commands with --local start it automatically.

    Starts one process that answers AWS calls, on its own address in 127.0.0.0/8, with its data in .hfecs/ next to the
    configuration. Costs nothing.
    """
    hfecs: Session = context.obj
    hfecs.console.say(f"The local cloud is running at {hfecs.local_cloud.endpoint_url}.")


@app.command(short_help="Stop the local cloud and delete its data.")
def down(context: typer.Context) -> None:
    """Stop this project's local cloud and delete its machines, tasks and data, including buckets. Costs nothing."""
    from hfecs.local import client

    hfecs: Session = context.obj
    hfecs.wants_local = True
    ended = client.down(hfecs.local_folder)
    if path := hfecs.state_path:
        path.unlink(missing_ok=True)
    hfecs.console.say("The local cloud was stopped." if ended else "No local cloud was running here.")


@app.command(short_help="Show the processes of the local cloud.")
def status(context: typer.Context) -> None:
    """Show the processes of this project's local cloud; there are none after `hfecs local down`. Costs nothing."""
    from hfecs.local import client
    from hfecs.local.processes import processes_of

    hfecs: Session = context.obj
    cloud = client.find(hfecs.local_folder)
    rows = [[str(process.pid), process.what] for process in processes_of(hfecs.local_folder)]
    if rows:
        title = f"Local cloud at {cloud.endpoint_url}" if cloud else "Left over from a local cloud that died"
        hfecs.console.table(title, ["process", "what"], rows)
    else:
        hfecs.console.show("No local cloud and no process of one is running here.")
