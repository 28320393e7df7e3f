"""The functions of processes: which are jobs, which the engine can call, and which hfecs does not run.

JavaScript files are read and not run: they may be anybody's, and this is the user's machine. The engine's machine
requires them, and refuses a function that is not there before any job runs. So here a file whose exports cannot be told
from its text may export whatever it mentions.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

from hfecs.workflow.document import JOB_FUNCTIONS, Process
from hfecs.workflow.fault import Fault, grouped, shown
from hfecs.workflow.graph import Workflow

OF_THE_ENGINE = (
    *("add", "chooseEvenOdd", "count", "echo", "echoWithDelay", "exit", "genCollection"),
    *("length", "match", "noop", "print", "print2", "sqr"),
)
"""Functions of HyperFlow 1.7 that work on the data of signals, on the engine's machine."""

FUNCTIONS = "functions.js"
"""Where HyperFlow looks for the functions of a workflow that names no other module."""

_NEEDS_KUBERNETES = "needs Kubernetes"
_NEEDS_A_SERVICE = "calls a service that hfecs does not create"
_ONLY_PRETENDS = "only prints commands, so nothing would run"
REFUSED = {
    "k8sCommand": _NEEDS_KUBERNETES,
    "bojK8sCommand": _NEEDS_KUBERNETES,
    "awsFargateCommand": _NEEDS_A_SERVICE,
    "awsLambdaCommand": _NEEDS_A_SERVICE,
    "RESTServiceCommand": _NEEDS_A_SERVICE,
    "command_print": _ONLY_PRETENDS,
    "command_notifyevents": _ONLY_PRETENDS,
    "commandLocalMock": _ONLY_PRETENDS,
}
"""Functions of HyperFlow 1.7 that run jobs in a way of their own, or not at all."""

_JOB_HINT = 'a job for the workers has the function "{{function}}" and config.executor'

_STRING = r"'(?:\\.|[^'\\\n])*'|\"(?:\\.|[^\"\\\n])*\"|`(?:\\.|[^`\\])*`"
_COMMENT = re.compile(rf"({_STRING})|//[^\n]*|/\*.*?\*/", re.DOTALL)
_NAME = r"[A-Za-z_$][\w$]*"
_ONE = re.compile(rf"\bexports\s*(?:\.\s*({_NAME})|\[\s*['\"]([^'\"\n]+)['\"]\s*\])\s*(=(?!=))?")
_DEFINED = re.compile(r"\bdefineProperty\(\s*(?:module\s*\.\s*)?exports\s*,\s*['\"]([^'\"\n]+)['\"]")
_OBJECT = re.compile(r"\bexports\s*=\s*(?:(?:module\s*\.\s*)?exports\s*=\s*)?\{")
_TOKEN = re.compile(rf"{_STRING}|[{{}}()\[\],]|\.\.\.|[^\s{{}}()\[\],'\"`.]+|.", re.DOTALL)
_KEY = re.compile(rf"(?:(?:async|get|static)\s+|\*\s*)*(?:({_NAME})|['\"]([^'\"]+)['\"])\s*(?:[:(,}}]|$)")


@dataclass(frozen=True)
class Exports:
    """The names that a file exports, and whether there may be others."""

    names: frozenset[str]
    may_have_others: bool

    def has(self, name: str, text: str) -> bool:
        """Whether a name may be exported; `text` is where it has to be mentioned if that cannot be told."""
        return name in self.names or (self.may_have_others and mentions(text, name))


class Scripts:
    """The JavaScript files of a workflow, which are searched for names of functions and not run."""

    def __init__(self, files: Iterable[Path]) -> None:
        self._files = sorted(path for path in files if path.suffix == ".js" and path.is_file())

    def have(self, name: str, modules: Collection[str]) -> bool:
        """Whether one of the modules exports a function, as far as that can be told without running it."""
        roots = self._roots(modules)
        return any(exports.has(name, self._all) for exports in roots)

    def exports(self, modules: Collection[str]) -> list[str]:
        """The names that the modules are known to export."""
        return [name for exports in self._roots(modules) for name in sorted(exports.names)]

    def _roots(self, modules: Collection[str]) -> list[Exports]:
        stems = {PurePosixPath(module.removesuffix(".js")).name for module in modules}
        return [exports for path, exports in self._exports.items() if path.stem in stems]

    @cached_property
    def _exports(self) -> dict[Path, Exports]:
        return {path: exports(text) for path, text in self._texts.items()}

    @cached_property
    def _all(self) -> str:
        return "\n".join(without_comments(text) for text in self._texts.values())

    @cached_property
    def _texts(self) -> dict[Path, str]:
        return {path: path.read_text(errors="replace") for path in self._files}


def modules_of(document: Mapping[str, Any]) -> list[str]:
    """The modules that a workflow takes its functions from."""
    declared = document.get("functions")
    named = [entry.get("module") for entry in declared if isinstance(entry, dict)] if isinstance(declared, list) else []
    return [FUNCTIONS, *(module for module in named if isinstance(module, str))]


def functions(workflow: Workflow, scripts: Scripts | None, modules: Collection[str] = (FUNCTIONS,)) -> Iterator[Fault]:
    """Functions that hfecs does not run or nobody has; what the user's own `scripts` have is theirs, if known."""
    processes: dict[str, list[tuple[int, Process]]] = {}
    for number, process in enumerate(workflow.processes):
        processes.setdefault(process.function, []).append((number, process))
    for name, who in processes.items():
        if name in JOB_FUNCTIONS or name in OF_THE_ENGINE or scripts is None or scripts.have(name, modules):
            continue
        if name in REFUSED:
            yield Fault(f"{grouped(who)}: the function {name} {REFUSED[name]}; hfecs does not run it", _JOB_HINT)
        else:
            nearest = _nearest(name, scripts.exports(modules))
            yield Fault(
                f"{grouped(who)}: neither the engine nor workdir/functions.js has a function {shown(name)}{nearest}",
                _JOB_HINT,
            )


def _nearest(name: str, exported: Iterable[str]) -> str:
    known = {known.lower(): known for known in (*JOB_FUNCTIONS, *OF_THE_ENGINE, *exported)}
    close = get_close_matches(name.lower(), known, n=1, cutoff=0.6)
    return f"; did you mean {known[close[0]]}?" if close else ""


def exports(text: str) -> Exports:
    """What the text of a file exports."""
    code = without_comments(text)
    names: set[str] = set()
    certain = True
    rest = code
    for found in _OBJECT.finditer(code):
        entries = list(_entries(code, found.end()))
        keys = [_KEY.match(entry) for entry in entries]
        names |= {key[1] or key[2] for key in keys if key}
        certain = certain and all(keys)
        rest = rest.replace(found.group(), "", 1)
    names |= {found[1] or found[2] for found in _ONE.finditer(code) if found[3]} | set(_DEFINED.findall(code))
    rest = _DEFINED.sub("", _ONE.sub("", rest))
    is_plain = not re.search(r"\bexports\b|\bthis\s*[.\[]|\bmodule\s*\[", rest)
    return Exports(frozenset(names), not (names and certain and is_plain))


def without_comments(text: str) -> str:
    """The text without its comments."""
    return _COMMENT.sub(lambda match: match.group(1) or " ", text)


def mentions(text: str, name: str) -> bool:
    """Whether a name stands in a text as a word of its own."""
    return re.search(rf"(?<![\w$]){re.escape(name)}(?![\w$])", text) is not None


def _entries(code: str, start: int) -> Iterator[str]:
    """The entries of an object whose brace has just been opened, each as it is written."""
    depth, begin = 0, start
    for token in _TOKEN.finditer(code, start):
        if token.group() in "{([" and token.group():
            depth += 1
        elif token.group() in ("}", ")", "]") and depth:
            depth -= 1
        elif token.group() in (",", "}") and not depth:
            if entry := code[begin : token.start()].strip():
                yield entry
            if token.group() == "}":
                return
            begin = token.end()
