"""Points of InfluxDB 1.x, and their line protocol."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

Value = float | int | str | bool

IN_TAGS = str.maketrans({",": r"\,", "=": r"\=", " ": r"\ ", "\n": r"\ ", "\r": r"\ ", "\\": "/"})
"""A tag cannot end with a backslash, and none of ours needs one."""

IN_TEXTS = str.maketrans({'"': r"\"", "\\": r"\\"})


@dataclass(frozen=True)
class Point:
    """A measurement at one moment: `when` is in nanoseconds since 1970."""

    measurement: str
    tags: Mapping[str, str]
    fields: Mapping[str, Value]
    when: int = field(default_factory=time.time_ns)


def line(point: Point) -> str:
    """The point in line protocol; empty without a valid field. Empty tags are omitted."""
    fields = ",".join(f"{_tag(name)}={text}" for name, value in point.fields.items() if (text := _value(value)))
    tags = "".join(f",{_tag(name)}={_tag(text)}" for name, text in sorted(point.tags.items()) if text)
    return f"{_tag(point.measurement)}{tags} {fields} {point.when}" if fields else ""


def _tag(text: str) -> str:
    return text.translate(IN_TAGS)


def _value(value: Value) -> str:
    """A field's value; empty for a number that InfluxDB cannot represent."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return f"{value}i"
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else ""
    return f'"{value.translate(IN_TEXTS)}"'
