"""hfecs agent: the programs that run in the containers; hidden, since no user types it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Programs that run in the containers.", no_args_is_help=True)


@app.command()
def worker() -> None:
    """Take jobs from the queue and run them; settings come from the environment."""
    from hfecs.agents.worker import main as worker

    raise typer.Exit(worker.main())


@app.command()
def engine() -> None:
    """Run one workflow with the HyperFlow engine; settings come from the environment."""
    from hfecs.agents.engine import main as engine

    raise typer.Exit(engine.main())


@app.command()
def notifier() -> None:
    """Report the queue's length to CloudWatch; settings come from the environment."""
    from hfecs.agents.notifier import main as notifier

    raise typer.Exit(notifier.main())


@app.command("grafana-files")
def grafana_files(
    directory: Annotated[Path, typer.Argument(help="Where Grafana reads them.", metavar="DIR")],
) -> None:
    """Write Grafana's datasource and dashboards into a directory."""
    from hfecs.templating import write_grafana_files

    write_grafana_files(directory)
