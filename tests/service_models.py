"""Checks each request that a test sends against AWS's service models, beyond what botocore checks.

botocore checks types, required members and lower limits of numbers. AWS checks patterns, enums and all limits of its
models too, and what stands in its documentation only. A pattern is one of Java's and has to match the whole text.
"""

from __future__ import annotations

import base64
import binascii
import re
import unicodedata
import warnings
from collections.abc import Callable, Iterator
from functools import cache
from threading import RLock
from typing import Any

from botocore import handlers

Check = Callable[[Any, str], Iterator[str]]

# Java's classes that Python's `re` does not know; surrogate pairs are one character each in Python.
PRINTABLE = r"\x20-\x7e"
PAIRS = (r"\uD800\uDC00-\uDBFF\uDFFF", r"\U00010000-\U0010FFFF")
# "[\w-_]" and "[\w-\/]": Java takes such a hyphen for itself.
HYPHEN_AFTER_CLASS = re.compile(r"(\\w)-(?=[\\_])")
CATEGORY = re.compile(r"\\p\{(\w+)\}")

# API references of EC2 (CreateSecurityGroup, IpRange), tag restrictions of EC2, "Run commands at launch".
GROUP_TEXT = re.compile(r"[a-zA-Z0-9 ._\-:/()#,@\[\]+=&;{}!$*]{0,255}")
MOST_TAGS, TAG_KEY, TAG_VALUE = 50, 128, 256
USER_DATA_BYTES = 16_384
# IAM's quota for the inline policies of a role, which does not count white space.
ROLE_POLICY_CHARACTERS = 10_240
# CloudWatch's PutMetricAlarm: what an alarm looks at is at most a day, or a week in steps of an hour and more.
DAY, WEEK, HOUR = 86_400, 604_800, 3_600
# Lists and numbers that are limited by the API references of ECS and S3 only.
MOST = {
    ("DescribeClusters", "clusters"): 100,
    ("DescribeContainerInstances", "containerInstances"): 100,
    ("DescribeServices", "services"): 10,
    ("DescribeTasks", "tasks"): 100,
    ("RunTask", "count"): 10,
    ("UpdateContainerInstancesState", "containerInstances"): 10,
}


class Violations:
    """What the requests since the last look had that AWS refuses."""

    def __init__(self) -> None:
        self.found: list[str] = []

    def take(self) -> list[str]:
        """Return what was found, and forget it."""
        found, self.found = self.found, []
        return found

    def look(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        """Note what is wrong with a request; a handler of botocore's event `before-parameter-build`."""
        self.found += violations(model, params)


VIOLATIONS = Violations()


def check_all_clients() -> None:
    """Check the requests of each client that is opened in this process from now on."""
    handlers.BUILTIN_HANDLERS.append(("before-parameter-build", VIOLATIONS.look))


def violations(model: Any, params: dict[str, Any]) -> list[str]:
    """What AWS would refuse of a request, a sentence each."""
    if model.input_shape is None:
        return []
    name = f"{model.service_model.service_name}.{model.name}"
    check = check_of(model.service_model.service_name, model.input_shape)
    found = list(check(params, name)) if check else []
    return found + [f"{name}: {fault}" for fault in beyond_the_model(model.name, params)]


_CHECKS: dict[tuple[str, str], Check | None] = {}
_MAKING = RLock()


def check_of(service: str, shape: Any) -> Check | None:
    """The check of a shape, made once; None if nothing in it can be wrong."""
    key = (service, shape.name)
    with _MAKING:  # many threads call AWS at a time: none may see a check that is half made
        if key not in _CHECKS:

            def later(value: Any, path: str) -> Iterator[str]:
                yield from (_CHECKS[key] or _nothing)(value, path)

            _CHECKS[key] = later  # what a shape that contains itself finds on the way down
            _CHECKS[key] = _make(service, shape)
        return _CHECKS[key]


def _nothing(_value: Any, _path: str) -> Iterator[str]:
    return iter(())


def _make(service: str, shape: Any) -> Check | None:
    match shape.type_name:
        case "structure":
            return _structure({name: check_of(service, member) for name, member in shape.members.items()})
        case "list":
            return _list(check_of(service, shape.member), shape.metadata)
        case "map":
            return _map(check_of(service, shape.key), check_of(service, shape.value), shape.metadata)
        case "string":
            return _string(shape)
        case "integer" | "long" | "float" | "double":
            return _number(shape.metadata) if {"min", "max"} & shape.metadata.keys() else None
    return None


def _structure(members: dict[str, Check | None]) -> Check | None:
    checks = {name: check for name, check in members.items() if check}

    def check(value: Any, path: str) -> Iterator[str]:
        for name, member in value.items():
            if name in checks:
                yield from checks[name](member, f"{path}.{name}")

    return check if checks else None


def _list(each: Check | None, limits: dict[str, Any]) -> Check | None:
    def check(value: Any, path: str) -> Iterator[str]:
        yield from _outside(len(value), limits, path, "items")
        for item in value if each else ():
            yield from each(item, f"{path}[]")  # type: ignore[misc]

    return check if each or {"min", "max"} & limits.keys() else None


def _map(keys: Check | None, values: Check | None, limits: dict[str, Any]) -> Check | None:
    def check(value: Any, path: str) -> Iterator[str]:
        yield from _outside(len(value), limits, path, "entries")
        for key, item in value.items():
            yield from keys(key, f"{path} key") if keys else ()
            yield from values(item, f"{path}[{key}]") if values else ()

    return check if keys or values or {"min", "max"} & limits.keys() else None


def _number(limits: dict[str, Any]) -> Check:
    return lambda value, path: _outside(value, limits, path, "")


def _string(shape: Any) -> Check | None:
    limits, source, words = shape.metadata, shape.metadata.get("pattern"), frozenset(shape.enum)
    if not (words or source or {"min", "max"} & limits.keys()):
        return None
    pattern = compiled(source) if source else None

    def check(value: Any, path: str) -> Iterator[str]:
        text = str(value)
        yield from _outside(len(text), limits, path, "characters")
        if words and text not in words:
            yield f"{path}: {text!r} is none of {len(words)} values"
        if pattern and not pattern.fullmatch(text):
            yield f"{path}: {text[:200]!r} does not match {source}"

    return check


def _outside(size: float, limits: dict[str, Any], path: str, unit: str) -> Iterator[str]:
    if size < limits.get("min", size):
        yield f"{path}: {size} {unit} are fewer than {limits['min']}"
    if size > limits.get("max", size):
        yield f"{path}: {size} {unit} are more than {limits['max']}"


@cache
def compiled(source: str) -> re.Pattern[str]:
    """A pattern of Java's as one of Python's; re.error if it cannot be told."""
    text = HYPHEN_AFTER_CLASS.sub(r"\1\-", source.replace(*PAIRS))
    text = CATEGORY.sub(_in_brackets, text)
    with warnings.catch_warnings():
        warnings.simplefilter("error", FutureWarning)  # "&&" and the like mean other things in Java
        return re.compile(text, re.ASCII)


def _in_brackets(found: re.Match[str]) -> str:
    """The characters of `\\p{...}`, with brackets of their own where it stands outside of any."""
    before = re.sub(r"\\.", "", found.string[: found.start()])
    characters = PRINTABLE if found[1] == "Print" else _characters(found[1])
    return characters if before.count("[") > before.count("]") else f"[{characters}]"


@cache
def _characters(category: str) -> str:
    """The characters of a Unicode category among the first 65,536, as a part of a character class."""
    ranges: list[list[int]] = []
    for code in range(0x10000):
        if unicodedata.category(chr(code)).startswith(category):
            if ranges and ranges[-1][1] == code - 1:
                ranges[-1][1] = code
            else:
                ranges.append([code, code])
    return "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in ranges)


def beyond_the_model(operation: str, params: dict[str, Any]) -> Iterator[str]:
    """What only AWS's documentation forbids."""
    for (limited, member), most in MOST.items():
        value = params.get(member)
        if operation == limited and value is not None:
            yield from _outside(value if isinstance(value, int) else len(value), {"max": most}, member, "items")
    match operation:
        case "CreateSecurityGroup":
            yield from _group_texts([params.get("GroupName"), params.get("Description")])
        case "AuthorizeSecurityGroupIngress" | "AuthorizeSecurityGroupEgress":
            for permission in params.get("IpPermissions", ()):
                blocks = [*permission.get("IpRanges", ()), *permission.get("UserIdGroupPairs", ())]
                yield from _group_texts([block.get("Description") for block in blocks])
        case "PutRolePolicy":
            size = len("".join(params["PolicyDocument"].split()))
            yield from _outside(size, {"max": ROLE_POLICY_CHARACTERS}, "PolicyDocument", "characters")
        case "PutMetricAlarm":
            yield from _alarm(params)
        case "CreateLaunchTemplate" | "CreateLaunchTemplateVersion":
            yield from _user_data(params["LaunchTemplateData"].get("UserData"))
    yield from _tags(params)


def _group_texts(texts: list[str | None]) -> Iterator[str]:
    for text in texts:
        if text is not None and not GROUP_TEXT.fullmatch(text):
            yield f"{text!r} is no text that a security group may have"


def _alarm(params: dict[str, Any]) -> Iterator[str]:
    period = params.get("Period")
    if period is None:
        return
    if period not in (10, 20, 30) and period % 60:
        yield f"Period: {period} is neither 10, 20 or 30 nor a multiple of 60"
    seconds = period * params["EvaluationPeriods"]
    yield from _outside(seconds, {"max": WEEK if period >= HOUR else DAY}, "Period x EvaluationPeriods", "seconds")


def _user_data(text: str | None) -> Iterator[str]:
    try:
        data = base64.b64decode(text or "", validate=True)
    except binascii.Error:
        yield "UserData is not in Base64"
    else:
        yield from _outside(len(data), {"max": USER_DATA_BYTES}, "UserData", "bytes")


def _tags(params: dict[str, Any]) -> Iterator[str]:
    for tags in _lists_of_tags(params):
        yield from _outside(len(tags), {"max": MOST_TAGS}, "Tags", "tags")
        for key, value in tags:
            yield from _outside(len(key), {"min": 1, "max": TAG_KEY}, f"tag {key!r}", "characters of its key")
            yield from _outside(len(value), {"max": TAG_VALUE}, f"tag {key!r}", "characters of its value")
            if key.lower().startswith("aws:"):
                yield f"tag {key!r} begins with aws:, which is AWS's own"


def _lists_of_tags(params: dict[str, Any]) -> Iterator[list[tuple[str, str]]]:
    """The tags of a request and of the things in it that it creates."""
    specifications = params.get("TagSpecifications", ())
    for tags in [params.get("Tags"), params.get("tags"), *(one.get("Tags") for one in specifications)]:
        if isinstance(tags, dict):
            yield [(str(key), str(value)) for key, value in tags.items()]
        elif isinstance(tags, list):
            pairs = [one for one in tags if isinstance(one, dict)]
            yield [
                (str(one.get("Key", one.get("key", ""))), str(one.get("Value", one.get("value", "")))) for one in pairs
            ]
