"""What hfecs supports of HyperFlow: how often a process fires and when, and the keys of config.executor.

What would run in another way, never, or without end is a fault; a key without effect is only reported.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from typing import Any

from hfecs.workflow.document import Executor, Process
from hfecs.workflow.fault import Fault, called, grouped, listed, shown
from hfecs.workflow.graph import Workflow

PLAIN_TYPES = ("dataflow", "task", "")
CONTROL = "next"
"""The control signal that HyperFlow's dataflow processes send at their end, and wait for."""

_ONCE = "hfecs runs each process once; write a process for each run"
Document = Mapping[str, Any]

HEEDED = frozenset(field.name for field in fields(Executor))

_OWN_FOLDER = "jobs run in a folder of their own, with their input files in it: name files without a folder"
_OWN_FILE = "jobs do not share files: name a file of each job's own with stdout or stderr, and join them in a later job"
REFUSED = {
    "image": "put the programs into images.worker, or name an image with options.container",
    "container": "name the image with options.container",
    "workdir": _OWN_FOLDER,
    "work_dir": _OWN_FOLDER,
    "input_dir": _OWN_FOLDER,
    "output_dir": _OWN_FOLDER,
    "stdoutAppend": _OWN_FILE,
    "stderrAppend": _OWN_FILE,
}
"""Keys without which a job would do something else, and the way out."""


def processes(document: Document, workflow: Workflow) -> Iterator[Fault]:
    """Types and settings of processes that HyperFlow heeds and hfecs does not run."""
    for about in (_type, _firing_limit, _firing_interval, _sticky, _elsewhere):
        yield from _by_text(document, workflow, about)


def _by_text(document: Document, workflow: Workflow, about: Callable[[Document], str]) -> Iterator[Fault]:
    """One fault for all the processes of which the same is to be said."""
    found: dict[str, list[tuple[int, Process]]] = {}
    for number, process in enumerate(document["processes"]):
        if text := about(process):
            found.setdefault(text, []).append((number, workflow.processes[number]))
    for text, who in found.items():
        yield Fault(f"{grouped(who)}: {text}", _ONCE)


def _type(process: Document) -> str:
    kind = process.get("type") or ""
    plain = isinstance(kind, str) and kind.lower() in PLAIN_TYPES
    return "" if plain else f"processes of type {shown(kind)} are not run, only of type dataflow"


def _firing_limit(process: Document) -> str:
    limit = process.get("firingLimit")
    if limit is None or (str(limit) == "1" and not isinstance(limit, bool)):
        return ""
    is_many = isinstance(limit, int) and limit > 1
    why = "its inputs come only once" if is_many else "the workflow would never end"
    return f"firingLimit {shown(limit)} cannot be reached: {why}; write 1"


def _firing_interval(process: Document) -> str:
    again = process.get("firingInterval") is not None and process.get("firingLimit") is None
    return "firingInterval without firingLimit runs for ever" if again else ""


def _sticky(process: Document) -> str:
    return "sticky signals are not supported" if process.get("sticky") else ""


def _elsewhere(process: Document) -> str:
    for key in ("workflow", "subworkflow", "host"):
        if process.get(key):
            return f"{key}: sub-workflows and other engines are not supported"
    return ""


def signals(document: Document, workflow: Workflow) -> Iterator[Fault]:
    """Data, control signals and remote readers that do not fit processes which run once."""
    for number, signal in enumerate(workflow.signals):
        name = f"{shown(signal.name)} (signal {number})"
        if len(signal.data or ()) > 1:
            yield Fault(f"{name}: {len(signal.data or ())} data elements, of which only one could be used", _ONCE)
        if signal.control not in (None, CONTROL):
            yield Fault(
                f"{name}: control signals of kind {shown(signal.control)} are not supported, only {CONTROL}",
                "let processes wait for each other by files",
            )
        if document["signals"][number].get("remoteSinks"):
            yield Fault(f"{name}: remoteSinks are not supported", "a run has one engine")


def control(workflow: Workflow) -> Iterator[Fault]:
    """Control signals that nobody sends, and processes with more of them than the engine heeds."""
    written = {index for process in workflow.processes for index in process.outs}
    kinds = {index for index, signal in enumerate(workflow.signals) if signal.control}
    unsent = {index for index in kinds - written if not workflow.signals[int(index)].data}
    readers: dict[int | str, list[tuple[int, Process]]] = {}
    for number, process in enumerate(workflow.processes):
        for index in unsent.intersection(process.ins):
            readers.setdefault(index, []).append((number, process))
        for what, indices in (("waits for", process.ins), ("sends", process.outs)):
            named = [shown(workflow.signals[int(index)].name) for index in dict.fromkeys(indices) if index in kinds]
            if len(named) > 1:
                yield Fault(
                    f"{called(number, process)} {what} {len(named)} control signals, of which the engine heeds one: "
                    f"{listed(named, len(named))}",
                    "let processes wait for each other by files",
                )
    for unsent_one, who in readers.items():
        name = shown(workflow.signals[int(unsent_one)].name)
        yield Fault(
            f"{grouped(who)}: waits for the control signal {name}, which no process writes and the file does not send",
            'write it by the process that is to run before, or give it "data": [{}]',
        )


def unsupported_keys(document: Document, workflow: Workflow) -> Iterator[Fault]:
    """Keys that change what a job does, and that hfecs does not heed."""
    for key, who in _jobs_by_key(document, workflow).items():
        if key in REFUSED:
            yield Fault(f"{grouped(who)}: config.executor.{key} is not supported", REFUSED[key])


def ignored_keys(document: Document, workflow: Workflow) -> tuple[str, ...]:
    """A sentence for each key that is passed over."""
    return tuple(
        f"config.executor.{shown(key)} of {grouped(who)} is not heeded"
        for key, who in _jobs_by_key(document, workflow).items()
        if key not in REFUSED
    )


def _jobs_by_key(document: Document, workflow: Workflow) -> dict[str, list[tuple[int, Process]]]:
    """The jobs that have each key which is not heeded; a key without a value is none."""
    found: dict[str, list[tuple[int, Process]]] = {}
    for number, process in enumerate(workflow.processes):
        if process.is_job and process.config.executor:
            for key, value in document["processes"][number]["config"]["executor"].items():
                if key not in HEEDED and value not in (None, "", False):
                    found.setdefault(key, []).append((number, process))
    return found
