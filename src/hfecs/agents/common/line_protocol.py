"""Points of InfluxDB 1.x, and the line that each of them is written as."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

Value = float | int | str | bool

IN_TAGS = str.maketrans({",": r"\,", "=": r"\=", " ": r"\ ", "\n": r"\ ", "\r": r"\ ", "\\": "/"})
"""A backslash cannot be written at the end of a tag, and none of ours needs one."""

IN_TEXTS = str.maketrans({'"': r"\"", "\\": r"\\"})


@dataclass(frozen=True)
class Point:
    """What was measured at one moment: `when` is in nanoseconds since 1970."""

    measurement: str
    tags: Mapping[str, str]
    fields: Mapping[str, Value]
    when: int = field(default_factory=time.time_ns)


def line(point: Point) -> str:
    """The point in line protocol; empty if it holds no field that can be written. Empty tags are left out."""
    fields = ",".join(f"{_tag(name)}={text}" for name, value in point.fields.items() if (text := _value(value)))
    tags = "".join(f",{_tag(name)}={_tag(text)}" for name, text in sorted(point.tags.items()) if text)
    return f"{_tag(point.measurement)}{tags} {fields} {point.when}" if fields else ""


def _tag(text: str) -> str:
    return text.translate(IN_TAGS)


def _value(value: Value) -> str:
    """A field's value; nothing for a number that InfluxDB does not know."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return f"{value}i"
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else ""
    return f'"{value.translate(IN_TEXTS)}"'
