"""Filling the configuration: flag before environment before file before default; all faults are told at once."""

from __future__ import annotations

import difflib
import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from hfecs.config import Config
from hfecs.errors import ConfigurationInvalid

FILE = "hfecs.toml"
PREFIX = "HFECS_"
# Variables of the environment that steer the program and are no keys.
NOT_KEYS = ("HFECS_ENGINE_HOME", "HFECS_LOCAL", "HFECS_CONFIG", "HFECS_STATE", "HFECS_ADDRESS")

Dotted = dict[str, Any]


@dataclass(frozen=True)
class Source:
    """Values of one origin, by dotted key, and where each was said."""

    values: Dotted
    places: dict[str, str]


def load(file: Path, environment: Mapping[str, str], flags: Mapping[str, Any], local: Mapping[str, Any]) -> Config:
    """Merge the sources into a Config; `flags` and `local` (what a local cloud says of itself) are by dotted key."""
    given = {key: value for key, value in flags.items() if value is not None}
    sources = [
        Source(dict(local), dict.fromkeys(local, "the local cloud")),
        read_file(file),
        read_environment(environment),
        Source(given, {key: "--" + key.rpartition(".")[2].replace("_", "-") for key in given}),
    ]
    values = {key: value for source in sources for key, value in source.values.items()}
    places = {key: place for source in sources for key, place in source.places.items()}
    try:
        return Config.model_validate(_nested(values))
    except ValidationError as error:
        faults = "\n".join(f"  {fault}" for fault in _faults(error, places))
        hint = "hfecs.example.toml explains every key"
        raise ConfigurationInvalid(f"The configuration cannot be used:\n{faults}", hint) from None


def keys() -> list[str]:
    """Every dotted key."""
    defaults = Config()
    return [f"{table}.{key}" for table in Config.model_fields for key in type(getattr(defaults, table)).model_fields]


def read_file(path: Path) -> Source:
    """Values of a TOML file; none if it does not exist."""
    if not path.exists():
        return Source({}, {})
    text = path.read_text(encoding="utf-8", errors="replace")
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationInvalid(
            f"{path} is not TOML: {error}.", hint='strings stand in quotes: name = "x"'
        ) from None
    values: Dotted = {}
    for table, entries in document.items():
        if isinstance(entries, dict):
            values |= {f"{table}.{key}": value for key, value in entries.items()}
        else:
            values[table] = entries
    lines = _lines(text)
    return Source(values, {key: f"{path.name}, line {lines.get(key, 1)}" for key in values})


def read_environment(environment: Mapping[str, str]) -> Source:
    """Values of variables such as HFECS_CLUSTER_INSTANCE_TYPE; lists and numbers are written as in JSON."""
    by_variable = {PREFIX + key.replace(".", "_").upper(): key for key in keys()}
    values, places = {}, {}
    for variable, text in environment.items():
        if not variable.startswith(PREFIX) or variable in NOT_KEYS:
            continue
        key = by_variable.get(variable, variable)
        values[key], places[key] = _plain(text), variable
    return Source(values, places)


def _plain(text: str) -> Any:
    """A JSON list stays a list; anything else is text, which pydantic turns into numbers and truth values."""
    if text.startswith("["):
        try:
            return json.loads(text)
        except ValueError:
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
        elif key := re.match(r"\s*([\w-]+)\s*=", line):
            found[f"{table}.{key[1]}" if table else key[1]] = number
    return found


def _nested(values: Dotted) -> dict[str, Any]:
    nested: dict[str, Any] = {}
    for key, value in values.items():
        table, dot, name = key.partition(".")
        if dot:
            nested.setdefault(table, {})[name] = value
        else:
            nested[key] = value
    return nested


def _faults(error: ValidationError, places: Mapping[str, str]) -> Iterator[str]:
    """One sentence for each fault: where it was said, the key, what is wrong."""
    for fault in error.errors():
        key = ".".join(str(part) for part in fault["loc"][:2])
        place = places.get(key) or next((where for said, where in places.items() if said.startswith(f"{key}.")), "")
        if fault["type"] == "extra_forbidden":
            yield f"{place}: {key} is no key{_nearest(key)}"
        else:
            said = "" if fault["type"] == "value_error" else f", not {fault['input']!r}"
            reason = fault["msg"].removeprefix("Value error, ").removeprefix("Input should ")
            yield f"{place or key}: {key} {'should ' if 'Input' in fault['msg'] else ''}{reason}{said}"


def _nearest(key: str) -> str:
    """The right name that is nearest to a wrong one, as the end of a sentence."""
    spelled = key.removeprefix(PREFIX).lower().replace("_", ".", 1) if key.startswith(PREFIX) else key
    table, dot, name = spelled.partition(".")
    if not dot and (close := difflib.get_close_matches(table, Config.model_fields, n=1, cutoff=0.75)):
        return f"; did you mean {close[0]}?"
    by_name: dict[str, list[str]] = {}
    for known in keys():
        by_name.setdefault(known.partition(".")[2], []).append(known)
    close = difflib.get_close_matches(name or table, by_name, n=1, cutoff=0.75)
    if not close:
        return ""
    same_table = [known for known in by_name[close[0]] if known.startswith(f"{table}.")]
    return f"; did you mean {(same_table or by_name[close[0]])[0]}?"
