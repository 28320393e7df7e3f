"""Variables of a workflow: `{{name}}` in dag.json, filled from `--var NAME=VALUE` and HF_VAR_name, as `hflow run` does.

HyperFlow renders the file with Mustache. Here values are escaped for JSON and not for HTML, a value may contain "=", a
name without a value is an error, and `--var` goes before the environment.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from difflib import get_close_matches

from hfecs.errors import Misused
from hfecs.workflow.fault import Fault, shown

ENVIRONMENT = "HF_VAR_"
"""Variables of the environment that begin so are the workflow's, as with `hflow run`."""

DEFAULTS = {"function": "amqpCommand"}
"""Files for several clusters leave the function of their jobs to a variable."""

MOST_CHARACTERS = 5000
"""All values together: ECS takes 8,192 characters of JSON for all that a task is given (API reference of RunTask)."""

_NAME = r"[A-Za-z_][\w.-]*"
_TAG = re.compile(rf"\{{\{{(?:\{{?\s*&?\s*({_NAME})\s*\}}?\}}\}}|(.{{0,20}}))", re.DOTALL)
"""A variable, or what else begins with two braces: JSON has these only in texts."""


def given(words: Iterable[str], environ: Mapping[str, str]) -> tuple[dict[str, str], set[str]]:
    """The variables of `--var` and of the environment, and the names of the former; Misused if one is no NAME=VALUE."""
    asked: dict[str, str] = {}
    for word in words:
        name, separator, value = word.partition("=")
        if not separator or not re.fullmatch(_NAME, name):
            raise Misused(f"--var {shown(word)} is not NAME=VALUE.", hint="--var name=value, one --var for each")
        if asked.setdefault(name, value) != value:
            raise Misused(f"--var {name} is given twice, with two values.", hint="omit one of them")
    of_all = {key.removeprefix(ENVIRONMENT): value for key, value in environ.items() if key.startswith(ENVIRONMENT)}
    return of_all | asked, set(asked)


def fill(text: str, variables: Mapping[str, str]) -> str:
    """Put the values of variables, escaped for JSON, where their names stand in double braces; leave the others."""
    values = {**DEFAULTS, **variables}

    def value(match: re.Match[str]) -> str:
        name = match.group(1)
        return json.dumps(values[name])[1:-1] if name in values else match.group()

    return _TAG.sub(value, text) if "{{" in text else text


def used(text: str, variables: Mapping[str, str]) -> dict[str, str]:
    """Those of the variables that a text names."""
    names = {match.group(1) for match in _TAG.finditer(text)}
    return {name: value for name, value in variables.items() if name in names}


def faults(text: str, variables: Mapping[str, str], asked: Collection[str] = ()) -> Iterator[Fault]:
    """Names without a value, other tags of Mustache, `asked` names that do not occur, and values that are too long."""
    values = {**DEFAULTS, **variables}
    first: dict[str, re.Match[str]] = {}
    for match in _TAG.finditer(text):
        first.setdefault(match.group(1) or match.group(2), match)
    names = [match.group(1) for match in first.values() if match.group(1)]
    for match in first.values():
        line = text.count("\n", 0, match.start()) + 1
        if match.group(1) is None:
            yield Fault(f"{{{{{shown(match.group(2))} in line {line} is no variable", _BRACES)
        elif match.group(1) not in values:
            name = match.group(1)
            hint = f"give it one: --var {name}=VALUE, or the environment variable {ENVIRONMENT}{name}"
            yield Fault(f"{{{{{name}}}}} in line {line} has no value", hint)
    for name in sorted(set(asked).difference(names)):
        close = get_close_matches(name, names, n=1)
        nearest = f"; did you mean {close[0]}?" if close else ""
        yield Fault(f"--var {name}: the file has no {{{{{name}}}}}{nearest}", "omit it, or correct its name")
    yield from _values(used(text, variables))


_BRACES = "hfecs fills in plain names only; to have two braces in a text, put them into a variable"


def _values(variables: Mapping[str, str]) -> Iterator[Fault]:
    for name, value in variables.items():
        if "\0" in value or not _is_unicode(value):
            yield Fault(f"the value of {name} is not UTF-8, or contains a null byte", "correct it")
    size = len(json.dumps(variables))
    if size > MOST_CHARACTERS:
        yield Fault(
            f"the variables have {size} characters, and a task takes {MOST_CHARACTERS}",
            "write long values into dag.json",
        )


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
