"""Filling the configuration: flag before environment before file before default; all faults are told at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import SecretStr, ValidationError

from hfecs.config import Config, sources
from hfecs.config.errors import faults
from hfecs.config.keys import is_secret
from hfecs.config.sources import NOT_KEYS, Source, keys
from hfecs.errors import ConfigurationInvalid

__all__ = ["NOT_KEYS", "Setting", "Source", "effective", "filled", "gather", "keys", "load"]

FILE = "hfecs.toml"
DEFAULT = "default"
MASK = "**********"


@dataclass(frozen=True)
class Setting:
    """A key, its effective value, and where that was said."""

    key: str
    value: Any
    place: str

    def row(self) -> tuple[str, str, str]:
        """Key, value and place as text; a value that is not set is a dash."""
        text = "-" if self.value is None else str(self.value)
        return self.key, text.lower() if isinstance(self.value, bool) else text, self.place


def load(
    file: Path,
    environment: Mapping[str, str],
    flags: Mapping[str, Any],
    local: Mapping[str, Any],
    assignments: Sequence[str] = (),
) -> Config:
    """Merge the sources into a Config; `flags` and `local` (what a local cloud says of itself) are by dotted key."""
    return filled(gather(file, environment, flags, local, assignments))


def gather(
    file: Path,
    environment: Mapping[str, str],
    flags: Mapping[str, Any],
    local: Mapping[str, Any],
    assignments: Sequence[str] = (),
) -> Source:
    """Merge the sources, not yet checked; `assignments` are those of `--set KEY=VALUE`."""
    merged = Source(dict(local), dict.fromkeys(local, "the local cloud"))
    for source in (sources.file(file), sources.environment(environment), sources.assignments(assignments)):
        merged = source.over(merged)
    return sources.flags(flags).over(merged)


def filled(source: Source) -> Config:
    """Check the values; ConfigurationInvalid tells all that is wrong, line by line."""
    try:
        return Config.model_validate(_nested(source.values))
    except ValidationError as error:
        told = "\n".join(f"  {fault}" for fault in faults(error, source.places))
        hint = "hfecs.example.toml explains every key"
        raise ConfigurationInvalid(f"The configuration cannot be used:\n{told}", hint) from None


def effective(source: Source) -> list[Setting]:
    """Every key with the value that counts and where it was said; secrets are masked."""
    config = filled(source)
    return [Setting(key, _shown(config, key), source.places.get(key, DEFAULT)) for key in keys()]


def _shown(config: Config, key: str) -> Any:
    value: Any = config
    for name in key.split("."):
        value = getattr(value, name)
    return MASK if is_secret(key) and isinstance(value, SecretStr) else value


def _nested(values: Mapping[str, Any]) -> dict[str, Any]:
    nested: dict[str, Any] = {}
    for key, value in values.items():
        table, dot, name = key.partition(".")
        if dot and isinstance(nested.setdefault(table, {}), dict):
            nested[table][name] = value
        elif not dot:
            nested[key] = value
    return nested
