"""Compare the desired with the actual: desired is contained in actual, or a document is exactly as desired."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Differences = dict[str, tuple[Any, Any]]

# The key that identifies the items of a list, in AWS's names.
NAMES = ("Sid", "name", "Name", "sourceVolume", "DeviceName", "Key")


def contained(desired: Any, actual: Any) -> bool:
    """Whether AWS's answer contains everything desired; it may have more keys and another order of lists."""
    if isinstance(desired, Mapping):
        return isinstance(actual, Mapping) and all(contained(value, actual.get(key)) for key, value in desired.items())
    if _is_list(desired):
        return _is_list(actual) and len(desired) == len(actual) and _matched(desired, list(actual))
    return bool(desired == actual)


def _matched(desired: Sequence[Any], actual: list[Any]) -> bool:
    """Whether each item matches a different one."""
    for item in desired:
        matches = [place for place, other in enumerate(actual) if contained(item, other)]
        if not matches:
            return False
        actual.pop(matches[0])
    return True


def differences(desired: Mapping[str, Any], actual: Mapping[str, Any]) -> Differences:
    """The fields whose desired value is not contained in the actual one: (old, new) by field."""
    return {
        field: (actual.get(field), value) for field, value in desired.items() if not contained(value, actual.get(field))
    }


def details(desired: Any, actual: Any, path: str = "") -> Differences:
    """The innermost fields that differ: (old, new) by path, such as containers[worker].environment[THREADS].value."""
    return {} if contained(desired, actual) else dict(_walk(desired, actual, path, extra=False))


def of_document(desired: Any, actual: Any, path: str = "") -> Differences:
    """The innermost differing fields of a document that AWS stores as sent, so extra fields are differences too."""
    return {} if desired == actual else dict(_walk(desired, actual, path, extra=True))


def _walk(desired: Any, actual: Any, path: str, *, extra: bool) -> Iterator[tuple[str, tuple[Any, Any]]]:
    before, after = _parts(desired, actual), _parts(actual, desired)
    if before is None or after is None:
        if desired != actual if extra else not contained(desired, actual):
            yield path or "value", (actual, desired)
        return
    listed = _is_list(desired)
    for key in {**before, **(after if extra or listed else {})}:
        inner = f"{path}[{key}]" if listed else f"{path}.{key}".lstrip(".")
        if key in before and key in after:
            yield from _walk(before[key], after[key], inner, extra=extra)
        else:
            yield inner, (after.get(key), before.get(key))


def _parts(value: Any, other: Any) -> Mapping[str, Any] | None:
    """The parts of a mapping, or of a list whose items have names, there and in the other value; None has no parts."""
    if isinstance(value, Mapping):
        return value if isinstance(other, Mapping) else None
    if not (_is_list(value) and _is_list(other)):
        return None
    items = [*value, *other]
    for name in NAMES:
        if items and all(isinstance(item, Mapping) and name in item for item in items):
            return {str(item[name]): item for item in value}
    return None


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)
