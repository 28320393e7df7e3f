"""Load the configuration: flag before environment before file before default; reports all errors at once."""

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
    """A key, its effective value, and its source."""

    key: str
    value: Any
    place: str

    def row(self) -> tuple[str, str, str]:
        """Key, value and source as text; a dash for an unset value."""
        text = "-" if self.value is None else str(self.value)
        return self.key, text.lower() if isinstance(self.value, bool) else text, self.place


def load(
    file: Path,
    environment: Mapping[str, str],
    flags: Mapping[str, Any],
    local: Mapping[str, Any],
    assignments: Sequence[str] = (),
) -> Config:
    """Merge the sources into a Config; `flags` and `local` (settings of the local cloud) are by dotted key."""
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
    """Check the values; ConfigurationInvalid lists every error, one per line."""
    try:
        return Config.model_validate(_nested(source.values))
    except ValidationError as error:
        told = "\n".join(f"  {fault}" for fault in faults(error, source.places))
        hint = "hfecs.example.toml explains every key"
        raise ConfigurationInvalid(f"The configuration is invalid:\n{told}", hint) from None


def effective(source: Source) -> list[Setting]:
    """Every key with its effective value and source; secrets are masked."""
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
