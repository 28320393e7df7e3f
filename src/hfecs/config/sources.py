"""The sources of values: file, environment, flags; each value with its location."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hfecs.config import Config, Section
from hfecs.errors import ConfigurationInvalid

PREFIX = "HFECS_"
# Environment variables that control the program and are not keys.
NOT_KEYS = (
    *("HFECS_ENGINE_HOME", "HFECS_LOCAL", "HFECS_CONFIG", "HFECS_ADDRESS"),
    *("HFECS_LOCAL_TICK", "HFECS_LOCAL_BOOT", "HFECS_LOCAL_LINGER", "HFECS_LOCAL_SCALE_IN"),
    "HFECS_LOCAL_PATIENCE",
)

LONGEST_SHOWN = 80
# Keys that name something on this machine; in a file they are relative to it.
PATHS = ("state", "run.job_directory", "run.inputs")

Dotted = dict[str, Any]


@dataclass(frozen=True)
class Source:
    """Values by dotted key, and the location of each."""

    values: Dotted
    places: dict[str, str]

    def over(self, lower: Source) -> Source:
        """These values, completed by those of a lower-priority source."""
        return Source(lower.values | self.values, lower.places | self.places)


def keys() -> list[str]:
    """Every key, with a dot if it is in a table."""
    return [key for name, field in Config.model_fields.items() for key in _keys_of(name, field.default)]


def _keys_of(name: str, default: Any) -> list[str]:
    """The keys of a table, or a key outside all tables."""
    return [f"{name}.{key}" for key in type(default).model_fields] if isinstance(default, Section) else [name]


def variable_of(key: str) -> str:
    """The environment variable that sets a key."""
    return PREFIX + key.replace(".", "_").upper()


def flags(given: Mapping[str, Any]) -> Source:
    """Values of flags by dotted key; None means not given."""
    values = {key: value for key, value in given.items() if value is not None}
    return Source(values, {key: "--" + key.rpartition(".")[2].replace("_", "-") for key in values})


def assignments(texts: Iterable[str]) -> Source:
    """Values of `--set KEY=VALUE`."""
    values = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals:
            raise ConfigurationInvalid(
                f"--set {text[:LONGEST_SHOWN]} is not KEY=VALUE.", hint="write --set scaling.asg_max=8"
            )
        values[key.strip()] = _plain(value)
    return Source(values, {key: f"--set {key}" for key in values})


def file(path: Path) -> Source:
    """Values of a TOML file; empty if it does not exist."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return Source({}, {})
    except OSError as error:
        raise ConfigurationInvalid(f"{path} cannot be read: {error.strerror}.", hint="name a file: --config") from None
    try:
        document = tomllib.loads(text)
    except ValueError as error:
        hint = 'strings need quotes: name = "x"'
        raise ConfigurationInvalid(f"{path} is not TOML: {error}.", hint) from None
    except RecursionError:
        hint = "no key takes a list of lists"
        raise ConfigurationInvalid(f"{path} cannot be read: its lists are nested too deeply.", hint) from None
    values: Dotted = {}
    for table, entries in document.items():
        if isinstance(entries, dict):
            values |= {f"{table}.{key}": value for key, value in entries.items()}
        else:
            values[table] = entries
    values |= {key: _beside(path, values[key]) for key in PATHS if key in values}
    lines = _lines(text)
    numbers = {key: lines.get(key) or lines.get(key.partition(".")[0], 1) for key in values}
    return Source(values, {key: f"{path.name}, line {number}" for key, number in numbers.items()})


def _beside(path: Path, place: Any) -> Any:
    """A file named in the configuration is relative to it."""
    return str(path.parent / place) if isinstance(place, str) and place and not place.startswith("s3:") else place


def environment(variables: Mapping[str, str]) -> Source:
    """Values of variables such as HFECS_CLUSTER_INSTANCE_TYPE; lists are JSON, an empty one means none."""
    by_variable = {variable_of(key): key for key in keys()}
    values, places = {}, {}
    for variable, text in variables.items():
        if variable.startswith(PREFIX) and variable not in NOT_KEYS and text:
            key = by_variable.get(variable, variable)
            values[key], places[key] = _plain(text), variable
    return Source(values, places)


def _plain(text: str) -> Any:
    """A JSON list stays a list; anything else is text, which pydantic converts to numbers and booleans."""
    if text.startswith("["):
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            return text
    return text


def _lines(text: str) -> dict[str, int]:
    """The line of each dotted key."""
    table = ""
    found: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if header := re.match(r"\s*\[\s*([\w.-]+)\s*\]", line):
            table = header[1]
            found.setdefault(table, number)
        elif key := re.match(r"\s*([\w.-]+)\s*=", line):
            found[f"{table}.{key[1]}" if table else key[1]] = number
    return found
