"""The command line: the application, its global options, and the one place where errors end."""

from __future__ import annotations

import gc
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from hfecs import __version__
from hfecs.commands import (
    agent,
    cluster,
    config,
    destroy,
    example,
    export,
    images,
    local,
    logs,
    monitoring,
    plan,
    report,
    run,
    runs,
    status,
)
from hfecs.console import Console
from hfecs.session import Session
from hfecs.shared_options import CONFIGURATION, nearest, taken_by_all

# Collect only after this many new objects: with Python's 700, loading boto3's models takes a fifth longer.
GARBAGE_THRESHOLD = 50_000
SHOWN_ERRORS = 3

app = typer.Typer(
    name="hfecs",
    help="Run HyperFlow workflows on Amazon ECS: create a cluster, run, watch, and delete it all without a trace.",
    epilog="No AWS account? hfecs --local cluster up runs the real RabbitMQ, engine and programs on this machine.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120},
)
app.add_typer(monitoring.app, name="monitoring")
app.add_typer(cluster.app, name="cluster")
app.command("run", short_help="Run a workflow and follow it to its end.")(run.run)
app.add_typer(runs.app, name="runs")
app.command("report", short_help="Write the story of a run as one HTML file.")(report.report)
app.command("export", short_help="Write a run in the format of another tool.")(export.export)
app.command("status", short_help="Show what exists, runs, waits and costs.")(status.status)
app.command("logs", short_help="Show what containers, machines or jobs printed.")(logs.logs)
app.command("plan", short_help="Show what cluster up would create or change.")(plan.plan)
app.command("destroy", short_help="Delete everything of a cluster.")(destroy.destroy)
app.add_typer(images.app, name="images")
app.add_typer(config.app, name="config")
app.add_typer(local.app, name="local")
app.add_typer(example.app, name="example")
app.add_typer(agent.app, name="agent", hidden=True)
taken_by_all(app)


def _version(wanted: bool) -> None:
    if wanted:
        Console().data(f"hfecs {__version__}")
        raise typer.Exit


@app.callback()
def options(
    context: typer.Context,
    local: Annotated[
        bool,
        typer.Option("--local", envvar="HFECS_LOCAL", help="Use the local cloud on this machine instead of AWS; free."),
    ] = False,
    config_file: Annotated[
        Path, typer.Option("--config", envvar="HFECS_CONFIG", help="Configuration file.", metavar="FILE")
    ] = CONFIGURATION,
    state: Annotated[
        str | None,
        typer.Option(
            "--state",
            help="State: a file or s3://BUCKET/KEY [env var: HFECS_STATE; default: next to the configuration].",
            metavar="PLACE",
        ),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(
            "--name",
            help="Cluster [default: cluster.name in the configuration, the only one in the state, or hyperflow].",
            metavar="NAME",
        ),
    ] = None,
    assignments: Annotated[
        list[str] | None, typer.Option("--set", help="Set any configuration key.", metavar="KEY=VALUE")
    ] = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show unchanged resources too.")] = False,
    version: Annotated[
        bool, typer.Option("--version", "-V", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Take the options that all commands share; every command also accepts them, and its own value wins."""
    console: Console = context.obj
    source = context.get_parameter_source("config_file")
    is_default = source is None or source.name == "DEFAULT"
    context.obj = Session(nearest() if is_default else config_file, state, local, console)
    given = {"config_file": config_file, "state_place": state, "wants_local": local, "name": name}
    typed = {key: value for key, value in given.items() if _was_typed(context, key)}
    context.obj.take(typed | {"assignments": assignments or [], "verbose": verbose})


def _was_typed(context: typer.Context, name: str) -> bool:
    """Whether an option was given on the command line; environment variables apply to the next command anyway."""
    parameter = {"state_place": "state", "wants_local": "local"}.get(name, name)
    source = context.get_parameter_source(parameter)
    return source is not None and source.name == "COMMANDLINE"


def entry() -> NoReturn:
    """Run as a program, and exit without freeing boto3's service models: that saves a fifth of a second."""
    gc.set_threshold(GARBAGE_THRESHOLD)
    code = main()
    for stream in filter(None, (sys.stdout, sys.stderr)):
        with suppress(OSError):  # the reader has gone; a failed write has already been reported
            stream.flush()
    os._exit(code)


def main(arguments: list[str] | None = None) -> int:
    """Run a command and return its exit code: 0 done, 1 failed, 2 usage error, 3 refused, 130 interrupted."""
    console = Console()
    try:
        app(arguments, obj=console)
    except SystemExit as done:
        return int(done.code or 0)
    except Exception as error:
        return _shown(console, error)
    return 0


def _shown(console: Console, error: Exception) -> int:
    """Show errors meant for users, at most a few of many; a bug keeps its traceback."""
    from hfecs.explained import exit_code, explained

    told = explained(error)
    if not told:
        raise error
    for single in told[:SHOWN_ERRORS]:
        console.error(single)
    if len(told) > SHOWN_ERRORS:
        more = len(told) - SHOWN_ERRORS
        console.say(f"and {more} more {'error' if more == 1 else 'errors'}")
    return exit_code(told)
