"""The keys of config.executor that HyperFlow's executors know: heeded, refused, or passed over with a note."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

from hfecs.workflow.document import Executor, Process
from hfecs.workflow.fault import Fault, grouped, shown
from hfecs.workflow.graph import Workflow

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

Document = Mapping[str, Any]


def refused(document: Document, workflow: Workflow) -> Iterator[Fault]:
    """Keys that change what a job does, and that hfecs does not heed."""
    for key, who in _jobs_by_key(document, workflow).items():
        if key in REFUSED:
            yield Fault(f"{grouped(who)}: config.executor.{key} is not supported", REFUSED[key])


def notes(document: Document, workflow: Workflow) -> tuple[str, ...]:
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
