"""The options that say what a command works on; accepted before and after the command's name."""

from __future__ import annotations

import inspect
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Annotated, Any

import typer

from hfecs.errors import ConfigurationInvalid

CONFIGURATION = Path("hfecs.toml")
MARKS = (str(CONFIGURATION), "hfecs.state.json", "hfecs.local.state.json")
"""What a project's folder has: its configuration, or what was created from it."""

EPILOG = "The global options (--local, --config, --state, --name, --set, --verbose) are accepted here too."

Command = Callable[..., Any]


@dataclass(frozen=True)
class _Option:
    """An option of every command: its name in Session, its flag, its type, and whether suggested commands repeat it."""

    name: str
    flag: str
    type: Any
    repeated: bool = False
    short: tuple[str, ...] = ()

    def parameter(self, *, hidden: bool) -> inspect.Parameter:
        """The option as a parameter of a command, whose own parameters have other names."""
        option = typer.Option(self.flag, *self.short, hidden=hidden, help=_NAME_HELP, metavar=self.metavar)
        annotation, default = (bool, False) if self.type is bool else (self.type | None, None)
        kind = inspect.Parameter.KEYWORD_ONLY
        return inspect.Parameter(f"of_{self.name}", kind, default=default, annotation=Annotated[annotation, option])

    @property
    def metavar(self) -> str | None:
        """The word for the option's value in help; none for a switch."""
        return None if self.type is bool else self.name.upper()


_NAME_HELP = "Cluster to use; see hfecs --help."
_OPTIONS = (
    _Option("wants_local", "--local", bool, repeated=True),
    _Option("config_file", "--config", Path, repeated=True),
    _Option("state_place", "--state", str, repeated=True),
    _Option("name", "--name", str, repeated=True),
    _Option("assignments", "--set", list[str]),
    _Option("verbose", "--verbose", bool, short=("-v",)),
)
WITHOUT_CLUSTER = ("local", "example")
"""Groups of commands that work on no cluster: their help does not show --name."""


def taken_by_all(app: typer.Typer, *, of_cluster: bool = True) -> None:
    """Let every command of an application and of its sub-applications accept these options."""
    for group in app.registered_groups:
        if group.typer_instance and group.hidden is not True:
            taken_by_all(group.typer_instance, of_cluster=group.name not in WITHOUT_CLUSTER)
    for command in app.registered_commands:
        if command.callback:
            command.callback, command.epilog = _taking(command.callback, of_cluster), EPILOG


def nearest() -> Path:
    """The configuration file of this folder, or of the nearest one above that is a project's; it may not exist.

    The home directory and the root are no projects: what somebody left there is not meant in all folders below.
    """
    here = Path.cwd()
    for folder in (here, *here.parents):
        if folder != here and folder in (Path.home(), Path(folder.anchor)):
            break
        if any((folder / mark).exists() for mark in MARKS):
            return CONFIGURATION if folder == here else folder / CONFIGURATION
    return CONFIGURATION


def refuse_absent(config_file: Path) -> None:
    """Raise ConfigurationInvalid if the named configuration file does not exist."""
    if config_file not in (CONFIGURATION, nearest()) and not config_file.exists():
        raise ConfigurationInvalid(
            f"File {config_file} does not exist.", "name an existing file with --config or HFECS_CONFIG, or omit it"
        )


def words(typed: dict[str, Any]) -> str:
    """The options as typed, so that another command works on the same cluster; `typed` is by name in Session."""
    given = [(option.flag, typed[option.name]) for option in _OPTIONS if option.repeated and typed.get(option.name)]
    return shlex.join(word for flag, value in given for word in ([flag] if value is True else [flag, str(value)]))


def _taking(command: Command, of_cluster: bool) -> Command:
    shared = [option.parameter(hidden=not (of_cluster and option.name == "name")) for option in _OPTIONS]

    @wraps(command)
    def with_options(context: typer.Context, **given: Any) -> Any:
        said = {option.name: given.pop(parameter.name) for option, parameter in zip(_OPTIONS, shared, strict=True)}
        context.obj.take({name: value for name, value in said.items() if value})
        return command(context, **given)

    signature = inspect.signature(command, eval_str=True)
    context, *own = signature.parameters.values()
    parameters = [context, *(parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own), *shared]
    with_options.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    return with_options
