"""The checks of a workflow; each tells all the faults that it finds, and raises nothing."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from graphlib import CycleError, TopologicalSorter

from hfecs.workflow.document import Document, Process, Reference, Signal
from hfecs.workflow.fault import LONGEST_LIST, Fault, called, grouped, listed, shown
from hfecs.workflow.graph import Workflow, predecessors
from hfecs.workflow.job_directory import JobDirectory

LONGEST_PART = 255
"""Bytes that Linux lets a file's name have."""

LONGEST_NAME = 960
"""S3 lets a key have 1024 bytes, and ours begin with a checksum or the name of a run; see workflow/keys.py."""

_CONTROL_CHARACTER = re.compile(r"[\x00-\x1f\x7f]")


def references(document: Document) -> Iterator[Fault]:
    """Indices out of range, and names of signals that do not exist or are not unique."""
    names = Counter(signal.name for signal in document.signals)
    count = len(document.signals)
    for where, values in _lists(document):
        for value in values:
            if isinstance(value, str) and not names[value] and names[value.partition(":")[0]]:
                yield Fault(f"{where}: {shown(value)}: counts of signals are not supported", "each signal comes once")
            elif isinstance(value, str) and names[value] != 1:
                yield Fault(
                    f"{where}: {names[value] or 'no'} signals are called {shown(value)}",
                    "name signals that exist once, or give their index",
                )
            elif isinstance(value, int) and not 0 <= value < count:
                yield Fault(
                    f"{where}: signal {value} is out of range, there are {count} signals", "signals are counted from 0"
                )


def _lists(document: Document) -> Iterator[tuple[str, tuple[Reference, ...]]]:
    """All the lists of signals in a document, and what to call them."""
    for number, process in enumerate(document.processes):
        yield f"{called(number, process)}: ins", process.ins
        yield f"{called(number, process)}: outs", process.outs
    yield "the workflow's ins", document.ins
    yield "the workflow's outs", document.outs


def names(signals: Iterable[Signal]) -> Iterator[Fault]:
    """Names of files that are empty, absolute, climb out of the directory, or can be written in two ways."""
    for number, signal in enumerate(signals):
        for name in signal.file_names():
            if not _is_plain(name):
                yield Fault(
                    f"signal {number}: {shown(name) or 'an empty text'} cannot be the name of a file in input/",
                    "names of files are relative, without '..', '.' or empty parts, of at most 255 bytes each",
                )


def _is_plain(name: str) -> bool:
    parts = name.split("/")
    fits = len(name.encode()) <= LONGEST_NAME and all(len(part.encode()) <= LONGEST_PART for part in parts)
    return fits and not {"", ".", ".."} & set(parts) and not _CONTROL_CHARACTER.search(name)


def programs(workflow: Workflow) -> Iterator[Fault]:
    """Jobs for the executor that name no program."""
    for number, process in enumerate(workflow.processes):
        if process.is_job and process.config.executor is None:
            yield Fault(f"{called(number, process)}: config.executor is missing", "it names the job's program and args")


def order(workflow: Workflow) -> Iterator[Fault]:
    """A cycle: processes that wait for each other."""
    try:
        TopologicalSorter(predecessors(workflow.processes)).prepare()
    except CycleError as error:
        cycle = error.args[1]
        steps = [called(number, workflow.processes[number]) for number in cycle[:LONGEST_LIST]]
        rest = [f"... {len(cycle) - LONGEST_LIST} more"] if len(cycle) > LONGEST_LIST else []
        yield Fault(
            f"not a directed acyclic graph: {' -> '.join(steps + rest)} wait for each other",
            "a process may only read what earlier ones write",
        )


def writers(workflow: Workflow) -> Iterator[Fault]:
    """Files that two processes write, or that two signals stand for, or that are sent before they are written."""
    outs = [process.outs for process in workflow.processes]
    written = Counter(name for indices in outs for name in workflow.files(indices))
    meant = Counter(name for signal in workflow.signals for name in signal.file_names())
    early = {name for signal in workflow.signals if signal.data for name in signal.file_names()}
    wrong = [name for name in written if written[name] > 1 or meant[name] > 1 or name in early]
    for name, who in _processes_of(wrong, outs, workflow).items():
        if written[name] > 1:
            yield Fault(f"{shown(name)} is written by {who}", "each file is written by one process")
        elif meant[name] > 1:
            yield Fault(f"{shown(name)}, written by {who}, is the file of {meant[name]} signals", "join those signals")
        else:
            yield Fault(f"{shown(name)} is sent at the start, but {who} writes it", "take 'data' from that signal")
    yield from _streams(workflow, written)


def _streams(workflow: Workflow, written: Collection[str]) -> Iterator[Fault]:
    """Files of `stdout` and `stderr`, which are stored like outputs, that are a file of another process too."""
    holders: dict[str, list[tuple[int, Process]]] = {}
    for number, process in enumerate(workflow.processes):
        executor = process.config.executor if process.is_job else None
        streams = {executor.stdout, executor.stderr} - {None} if executor else set()
        own = set(workflow.files(process.outs)) if streams else set()
        for name in sorted(str(stream) for stream in streams):
            holders.setdefault(name, []).append((number, process))
            if name in written and name not in own:
                yield Fault(
                    f"{shown(name)}, the stdout or stderr of {called(number, process)}, is written by another process",
                    "each file is written by one process",
                )
    for name, who in holders.items():
        if len(who) > 1:
            yield Fault(f"{shown(name)} is the stdout or stderr of {grouped(who)}", "give each job a file of its own")


def job_files(workflow: Workflow, job: JobDirectory) -> Iterator[Fault]:
    """Inputs that are not where they are looked for, outputs that nobody writes, and files that cannot be uploaded."""
    files = job.input_files
    missing = [name for name in workflow.inputs() if name not in files]
    yield from inputs(workflow, files, job.place, job.way_out(missing))
    yield from outputs(workflow, files)
    yield from uploads(key.removeprefix("input/") for key in job.files(workflow.inputs()) if key.startswith("input/"))


def inputs(
    workflow: Workflow,
    files: Collection[str],
    place: str = "input/",
    way_out: str = "put the missing files into input/",
) -> Iterator[Fault]:
    """Files that are read, but neither written nor among those of the directory with the inputs."""
    missing = [name for name in workflow.inputs() if name not in files and _is_plain(name) and "{{" not in name]
    ins = [process.ins for process in workflow.processes]
    for name, who in _processes_of(missing, ins, workflow).items():
        yield Fault(f"{shown(name)} is read by {who}, but no process writes it and it is not in {place}", way_out)


def uploads(files: Iterable[str]) -> Iterator[Fault]:
    """Files of input/ whose names no bucket takes, whether a signal names them or not."""
    for name in sorted(files, key=ascii):
        if not _is_uploadable(name):
            yield Fault(
                f"input/{ascii(name)[1:-1]} has a name that is not UTF-8, has control characters or is too long",
                "rename the file, or take it out of input/",
            )


def _is_uploadable(name: str) -> bool:
    try:
        return len(name.encode()) <= LONGEST_NAME and not _CONTROL_CHARACTER.search(name)
    except UnicodeEncodeError:
        return False


def outputs(workflow: Workflow, files: Collection[str]) -> Iterator[Fault]:
    """Outputs of the workflow that nobody writes and that are not among the files of input/."""
    written = set(workflow.files(index for process in workflow.processes for index in process.outs))
    for name in workflow.files(workflow.outs):
        if name not in written and name not in files and _is_plain(name) and "{{" not in name:
            yield Fault(f"the workflow's outs: no process writes {shown(name)}", "name files that a process writes")


def _processes_of(names: Iterable[str], lists: Iterable[tuple[Reference, ...]], workflow: Workflow) -> dict[str, str]:
    """For each file, which processes have it in their list of signals, in words."""
    processes: dict[str, list[str]] = {name: [] for name in names}
    for number, indices in enumerate(lists if processes else ()):
        for name in processes.keys() & workflow.files(indices):
            processes[name].append(called(number, workflow.processes[number]))
    return {name: listed(found, len(found)) for name, found in processes.items()}
