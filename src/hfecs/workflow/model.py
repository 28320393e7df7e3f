"""Reading a workflow: the text of a dag.json, or its JSON document, to a checked `Workflow`."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

from pydantic import ValidationError

from hfecs.errors import WorkflowInvalid
from hfecs.workflow import checks
from hfecs.workflow.document import DOCUMENT, Document, Process, Reference
from hfecs.workflow.fault import Fault, shown
from hfecs.workflow.functions import Scripts, functions, modules_of
from hfecs.workflow.graph import Workflow
from hfecs.workflow.job_directory import LAYOUT, JobDirectory
from hfecs.workflow.support import control, ignored_keys, processes, signals, unsupported_keys
from hfecs.workflow.variables import faults as variable_faults
from hfecs.workflow.variables import fill, used


def load(
    job: JobDirectory | Path,
    variables: Mapping[str, str] = {},
    *,
    asked: Collection[str] = (),
    inputs_elsewhere: bool = False,
) -> Workflow:
    """Read and check a job directory; WorkflowInvalid lists everything that keeps it from running.

    Variables that somebody `asked` for by name must occur in it. Inputs that the workers find elsewhere, on a file
    server, are not looked for.
    """
    job = JobDirectory(job) if isinstance(job, Path) else job
    if wrong := list(job.faults()):
        _refuse(str(job.directory), wrong)
    scripts = Scripts(job.workflow_files.values())
    looked = None if inputs_elsewhere else job
    return parse(_text(job), variables, asked=asked, files=looked, scripts=scripts, source=str(job.document))


def _text(job: JobDirectory) -> str:
    path = job.document
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        _refuse(str(job.directory), [Fault(f"{path} cannot be read: {error.strerror}", LAYOUT)])
    except UnicodeDecodeError as error:
        _refuse(str(path), [Fault(f"byte {error.start} is not UTF-8", "save the file as UTF-8")])


def parse(
    text: str,
    variables: Mapping[str, str] = {},
    *,
    asked: Collection[str] = (),
    files: Collection[str] | JobDirectory | None = None,
    scripts: Scripts | None = None,
    source: str = "dag.json",
) -> Workflow:
    """Fill and check the text of a dag.json; `files` are those of input/, None if they are not looked for.

    The workflow has those of the `variables` that it names; those that were `asked` for must be among them.

    `scripts` are the user's JavaScript files; without them functions that we don't know may be there.
    """
    return read(text, variables, asked=asked, files=files, scripts=scripts, source=source)[1]


def read(
    text: str,
    variables: Mapping[str, str] = {},
    *,
    asked: Collection[str] = (),
    files: Collection[str] | JobDirectory | None = None,
    scripts: Scripts | None = None,
    source: str = "dag.json",
) -> tuple[dict[str, Any], Workflow]:
    """What `parse` checks, and what stands in the text, filled and with the present names: it is read only once."""
    faults = list(variable_faults(text, variables, asked))
    named = used(text, variables)
    text = fill(text, variables)
    document: Any = current(_document(text, source, faults))
    del text  # which may be large
    workflow = from_document(document, files=files, scripts=scripts, source=source, faults=faults)
    return document, replace(workflow, variables=named)


def from_bytes(content: bytes, variables: Mapping[str, str] = {}, *, source: str) -> Workflow:
    """Check a file as a run left it, with the variables of that run; names without a value stay as they are."""
    text = fill(content.decode(errors="replace"), variables)
    return from_document(_document(text, source, []), source=source)


def _document(text: str, source: str, faults: list[Fault]) -> object:
    """What stands in a text; if it is no JSON, `faults` that were found before may tell why."""
    try:
        return json.loads(text, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        where = f"not JSON: {error.msg} in line {error.lineno}, column {error.colno}"
        _refuse(source, faults or [Fault(where, "HyperFlow reads plain JSON, without comments")])
    except (ValueError, RecursionError) as error:
        _refuse(source, faults or [Fault(f"not JSON: {shown(error)}", "HyperFlow reads plain JSON")])


def current(document: object) -> object:
    """The document with the names that HyperFlow's format has now: old files have `tasks` and `data`.

    A signal whose name is a number has it as a text, as in the engine.
    """
    if not isinstance(document, dict):
        return document
    renamed = {new: document[old] for old, new in _OLD_NAMES.items() if old in document and new not in document}
    made = {**document, **renamed}
    if isinstance(made.get("signals"), list):
        made["signals"] = [_named(signal) for signal in made["signals"]]
    return made


def _named(signal: object) -> object:
    is_number = isinstance(signal, dict) and type(signal.get("name")) is int
    return {**signal, "name": str(signal["name"])} if isinstance(signal, dict) and is_number else signal


_OLD_NAMES = {"tasks": "processes", "data": "signals"}


def from_document(
    document: object,
    *,
    files: Collection[str] | JobDirectory | None = None,
    scripts: Scripts | None = None,
    source: str = "dag.json",
    faults: Iterable[Fault] = (),
) -> Workflow:
    """Check a JSON document; `faults` are those that were found in its text."""
    found = list(faults)
    document = current(document)
    try:
        valid = DOCUMENT.validate_python(document)
    except ValidationError as error:
        errors = error.errors(include_url=False, include_context=False, include_input=False)
        _refuse(source, found + _misshapen(document, errors))
    if not valid.processes:
        found.append(Fault("processes: there are none", "a workflow has at least one process"))
    found += checks.names(valid.signals)
    wrong_references = list(checks.references(valid))
    if wrong_references:
        _refuse(source, found + wrong_references)
    workflow = _resolved(valid)
    raw: Any = document
    found += [*checks.programs(workflow), *functions(workflow, scripts, modules_of(raw)), *checks.order(workflow)]
    found += checks.writers(workflow)
    found += [*processes(raw, workflow), *signals(raw, workflow), *control(workflow)]
    found += unsupported_keys(raw, workflow)
    if isinstance(files, JobDirectory):
        found += checks.job_files(workflow, files)
    elif files is not None:
        found += [*checks.inputs(workflow, files), *checks.outputs(workflow, files), *checks.uploads(files)]
    if found:
        _refuse(source, found)
    return replace(workflow, notes=ignored_keys(raw, workflow))


def _resolved(document: Document) -> Workflow:
    """The workflow with all signals by index."""
    named = {signal.name: index for index, signal in enumerate(document.signals)}

    def indices(references: Iterable[Reference]) -> tuple[int, ...]:
        return tuple(named[reference] if isinstance(reference, str) else reference for reference in references)

    def resolved(process: Process) -> Process:
        ins, outs = indices(process.ins), indices(process.outs)
        same = ins == process.ins and outs == process.outs
        return process if same else replace(process, ins=ins, outs=outs)

    processes = tuple(resolved(process) for process in document.processes)
    return Workflow(document.name, processes, document.signals, indices(document.ins), indices(document.outs))


def _misshapen(document: Any, errors: Iterable[Mapping[str, Any]]) -> list[Fault]:
    """Say which process or signal, and which key of it, has not the shape that HyperFlow expects."""
    expected: dict[str, list[str]] = {}
    for error in errors:
        place = tuple(part for part in error["loc"] if not _UNION_MEMBER.fullmatch(str(part)))
        expected.setdefault(_place(document, place), []).append(_EXPECTED.get(error["type"], error["msg"]))
    return [Fault(f"{place}: {' or '.join(dict.fromkeys(words))}", _SHAPE) for place, words in expected.items()]


_SHAPE = "processes need name, function, config.executor.executable, ins and outs; signals need a name"
_UNION_MEMBER = re.compile(r"int|str|constrained-str|float|tuple\[.*")
_EXPECTED = {
    "missing": "missing",
    "dataclass_type": "must be an object",
    "dict_type": "must be an object",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
    "string_type": "must be a text",
    "string_too_short": "must not be empty",
    "string_unicode": "must be a text of whole characters",
    "int_type": "must be a whole number",
    "float_type": "must be a number",
}
"""What pydantic's kinds of error mean to somebody who writes JSON."""


def _place(document: Any, location: tuple[int | str, ...]) -> str:
    """The words for a place in the document: the name and number of a process or signal, and the key."""
    kind = {"processes": "process", "signals": "signal"}.get(str(location[0])) if len(location) > 1 else None
    if kind is None:
        return ".".join(shown(part) for part in location) or "the document"
    item = document[location[0]][location[1]]
    name = shown(item["name"]) if isinstance(item, dict) and "name" in item else "without a name"
    return ": ".join([f"{name} ({kind} {location[1]})", ".".join(shown(part) for part in location[2:])]).rstrip(": ")


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def _refuse(source: str, faults: Collection[Fault]) -> NoReturn:
    count = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
    lines = "".join(f"\n  {fault.text}" for fault in faults)
    raise WorkflowInvalid(
        f"{source} cannot be run, {count}:{lines}", "\n".join(dict.fromkeys(fault.hint for fault in faults))
    )
