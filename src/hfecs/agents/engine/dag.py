"""The workflow's file made ready for the engine: the job directory's dag.json with what a run adds to it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from hfecs.errors import WorkflowInvalid
from hfecs.templating import template_path
from hfecs.workflow import Process, Scripts, Workflow, read
from hfecs.workflow.keys import SHARED

JOB_FUNCTION = "amqpCommand"
OF_SEVERAL_FIRINGS = frozenset({"parlevel", "ordering", "sticky", "firingInterval"})
"""What HyperFlow heeds of a process that runs more than once."""

FUNCTIONS = "functions.js"
USER_FUNCTIONS = "functions.user.js"
"""Where the templates' functions.js looks for the one that the user brought."""


def make_ready(
    workdir: Path,
    run: str,
    bucket: str,
    variables: Mapping[str, str],
    options: Mapping[str, str | float] = {},
    prefix: str = SHARED,
) -> Workflow:
    """Rewrite dag.json and put our functions.js beside it; WorkflowInvalid if the workflow cannot be run.

    `options` are those of all jobs, unless the workflow says otherwise; below `prefix` they have their files.
    """
    path = workdir / "dag.json"
    scripts = Scripts(workdir.rglob("*"))
    document, workflow = read(_text(path, bucket), variables, scripts=scripts, source="workdir/dag.json")
    path.write_text(json.dumps(completed(document, workflow, run, bucket, options, prefix)), encoding="utf-8")
    if (workdir / FUNCTIONS).exists():
        (workdir / FUNCTIONS).rename(workdir / USER_FUNCTIONS)
    shutil.copyfile(template_path(f"engine/{FUNCTIONS}"), workdir / FUNCTIONS)
    return workflow


def _text(path: Path, bucket: str) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise WorkflowInvalid(
            f"workdir/dag.json of the bucket {bucket} cannot be read: {error}.", "save it as UTF-8"
        ) from error


def completed(
    document: dict[str, Any],
    workflow: Workflow,
    run: str,
    bucket: str,
    options: Mapping[str, str | float] = {},
    prefix: str = SHARED,
) -> dict[str, Any]:
    """The document with each job's options, one firing for each process, and all input signals sent at the start."""
    files = {"storage": "s3", "bucket": bucket, "prefix": prefix}
    of_all = {**files, **options, "wfid": run, "hfId": run}
    processes = [
        _with_options(_plain(written, process), process, of_all | {"procId": number})
        for number, (written, process) in enumerate(zip(document["processes"], workflow.processes, strict=True), 1)
    ]
    to_send = set(_unsent(workflow))
    signals = [
        {**signal, "data": [{}]} if index in to_send else {key: signal[key] for key in signal if signal[key] != []}
        for index, signal in enumerate(document["signals"])
    ]
    return {**document, "processes": processes, "signals": signals, "ins": workflow.ins, "outs": workflow.outs}


def _plain(written: dict[str, Any], process: Process) -> dict[str, Any]:
    """A process that runs once, as all do here, and names its signals by index: the engine takes names apart."""
    kept = {key: value for key, value in written.items() if key not in OF_SEVERAL_FIRINGS}
    return {**kept, "firingLimit": 1, "type": "dataflow", "ins": process.ins, "outs": process.outs}


def _with_options(plain: dict[str, Any], process: Process, options: dict[str, Any]) -> dict[str, Any]:
    """A job with these options beside its own; other processes as they are."""
    if not process.is_job:
        return plain
    config = plain["config"]
    own = _placed(config["executor"].get("options", {}), options)
    executor = {**config["executor"], "options": {**options, **own}}
    return {**plain, "function": JOB_FUNCTION, "config": {**config, "executor": executor}}


def _placed(own: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
    """A job's own options; those that mean the files of the run by the place that they once had, mean them here."""
    if own.get("bucket", options["bucket"]) != options["bucket"]:
        return {"prefix": SHARED, **own}
    is_shared = str(own.get("prefix", "")).strip("/") == SHARED.strip("/")
    return {key: value for key, value in own.items() if key != "prefix"} if is_shared else own


def _unsent(workflow: Workflow) -> Iterator[int]:
    """The signals that nobody writes and the file does not send: old files relied on `hflow run -s` for them."""
    written = {int(index) for process in workflow.processes for index in process.outs}
    for index, signal in enumerate(workflow.signals):
        if index not in written and not signal.data and not signal.control:
            yield index
