"""The options that say what a command works on; accepted before and after the command's name."""

from __future__ import annotations

import inspect
import shlex
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Annotated, Any

import typer

from hfecs.errors import ConfigurationInvalid

CONFIGURATION = Path("hfecs.toml")
EPILOG = "The global options (--local, --config, --state, --name, --set, --verbose) are accepted here too."

Command = Callable[..., Any]

# The command's parameter, its name in Context, and its flag.
_OPTIONS: dict[str, tuple[str, Any]] = {
    "of_local": ("wants_local", Annotated[bool, typer.Option("--local", hidden=True)]),
    "of_config": ("config_file", Annotated[Path | None, typer.Option("--config", hidden=True)]),
    "of_state": ("state_place", Annotated[str | None, typer.Option("--state", hidden=True)]),
    "of_name": (
        "name",
        Annotated[str | None, typer.Option("--name", help="Cluster to use; see hfecs --help.", metavar="NAME")],
    ),
    "of_set": ("assignments", Annotated[list[str] | None, typer.Option("--set", hidden=True)]),
    "of_verbose": ("verbose", Annotated[bool, typer.Option("--verbose", "-v", hidden=True)]),
}


def taken_by_all(app: typer.Typer) -> None:
    """Let every command of an application and of its sub-applications accept these options."""
    for group in app.registered_groups:
        if group.typer_instance and group.hidden is not True:
            taken_by_all(group.typer_instance)
    for command in app.registered_commands:
        if command.callback:
            command.callback, command.epilog = _taking(command.callback), EPILOG


def refuse_absent(config_file: Path) -> None:
    """Raise ConfigurationInvalid if the named configuration file does not exist."""
    if config_file != CONFIGURATION and not config_file.exists():
        raise ConfigurationInvalid(
            f"File {config_file} does not exist.", "name an existing file with --config or HFECS_CONFIG, or omit it"
        )


def words(typed: dict[str, Any]) -> str:
    """The options as typed, so that another command works on the same cluster; `typed` is by name in Context."""
    flags = {"wants_local": "--local", "config_file": "--config", "state_place": "--state", "name": "--name"}
    given = [(flag, typed[name]) for name, flag in flags.items() if typed.get(name)]
    return shlex.join(word for flag, value in given for word in ([flag] if value is True else [flag, str(value)]))


def _taking(command: Command) -> Command:
    @wraps(command)
    def with_options(context: typer.Context, **given: Any) -> Any:
        said = {name: given.pop(parameter) for parameter, (name, _) in _OPTIONS.items()}
        context.obj.take({name: value for name, value in said.items() if value})
        return command(context, **given)

    signature = inspect.signature(command, eval_str=True)
    context, *own = signature.parameters.values()
    keyword = inspect.Parameter.KEYWORD_ONLY
    defaults = {name: False if option.__origin__ is bool else None for name, (_, option) in _OPTIONS.items()}
    shared = [
        inspect.Parameter(name, keyword, default=defaults[name], annotation=option)
        for name, (_, option) in _OPTIONS.items()
    ]
    parameters = [context, *(parameter.replace(kind=keyword) for parameter in own), *shared]
    with_options.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    return with_options
