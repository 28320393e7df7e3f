"""Comparing what is wanted with what AWS says: desired is contained in actual."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def contained(desired: Any, actual: Any) -> bool:
    """Whether everything desired stands in what AWS answers, which has more keys, and lists in another order."""
    if isinstance(desired, Mapping):
        return isinstance(actual, Mapping) and all(contained(value, actual.get(key)) for key, value in desired.items())
    if isinstance(desired, Sequence) and not isinstance(desired, str):
        return isinstance(actual, Sequence) and len(desired) == len(actual) and _matched(desired, list(actual))
    return bool(desired == actual)


def _matched(desired: Sequence[Any], actual: list[Any]) -> bool:
    """Whether each item finds one of its own."""
    for item in desired:
        matches = [place for place, other in enumerate(actual) if contained(item, other)]
        if not matches:
            return False
        actual.pop(matches[0])
    return True


def differences(desired: Mapping[str, Any], actual: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """The fields whose desired value is not contained in the actual one: (old, new) by field."""
    return {
        field: (actual.get(field), value) for field, value in desired.items() if not contained(value, actual.get(field))
    }
