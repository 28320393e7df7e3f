"""Metadata of the keys: descriptions, units, former names, and which are secrets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from pydantic import SecretStr

from hfecs.config import Config, Section


@dataclass(frozen=True)
class Meaning:
    """A key's description, unit, former names, default, minimum and maximum, and whether it is a secret."""

    description: str
    unit: str
    originals: tuple[str, ...]
    default: Any
    bounds: tuple[int, int] | None
    secret: bool


@cache
def meanings() -> dict[str, Meaning]:
    """The metadata of every dotted key."""
    return dict(_meanings("", Config))


def _meanings(prefix: str, section: type[Section]) -> Iterator[tuple[str, Meaning]]:
    """The metadata of each key of a table, including nested tables."""
    properties = section.model_json_schema()["properties"]
    for name, field in section.model_fields.items():
        if isinstance(field.default, Section):
            yield from _meanings(f"{name}.", type(field.default))
        else:
            yield f"{prefix}{name}", _meaning(field, properties[name])


@cache
def originals() -> dict[str, str]:
    """The keys by their names in the Terraform project."""
    return {old: key for key, meaning in meanings().items() for old in meaning.originals}


def is_secret(key: str) -> bool:
    """Whether the value of a key must not be shown."""
    return key in meanings() and meanings()[key].secret


def _meaning(field: Any, schema: dict[str, Any]) -> Meaning:
    extra = field.json_schema_extra or {}
    names = tuple(name for name in extra.get("original", "").split(", ") if name)
    bounds = [(one["minimum"], one["maximum"]) for one in schema.get("anyOf", [schema]) if "minimum" in one]
    secret = SecretStr in _types(field.annotation)
    return Meaning(
        field.description or "", extra.get("unit", ""), names, field.default, bounds[0] if bounds else None, secret
    )


def _types(annotation: Any) -> set[Any]:
    """A type and the types it is composed of."""
    inner: set[Any] = set().union(*(_types(part) for part in getattr(annotation, "__args__", ())))
    return {annotation} | inner if isinstance(annotation, type) else inner
