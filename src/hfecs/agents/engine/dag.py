"""The workflow's file made ready for the engine: the job directory's dag.json with what a run adds to it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from hfecs.errors import WorkflowInvalid
from hfecs.templating import template_path
from hfecs.workflow import Workflow, fill, parse
from hfecs.workflow.checks import JOB_FUNCTIONS

JOB_FUNCTION = "amqpCommand"
FILES_PREFIX = "input/"
"""Jobs read and write their files below this prefix of the bucket."""

FUNCTIONS = "functions.js"
USER_FUNCTIONS = "functions.user.js"
"""Where the templates' functions.js looks for the one that the user brought."""


def make_ready(
    workdir: Path, run: str, bucket: str, variables: Mapping[str, str], options: Mapping[str, str | float] = {}
) -> Workflow:
    """Rewrite dag.json and put our functions.js beside it; WorkflowInvalid if the workflow cannot be run.

    `options` are those of all jobs, unless the workflow says otherwise.
    """
    path = workdir / "dag.json"
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise WorkflowInvalid(
            f"workdir/dag.json of the bucket {bucket} cannot be read: {error}.", "save it as UTF-8"
        ) from error
    workflow = parse(text, variables, source="workdir/dag.json")
    document = json.loads(fill(text, variables))
    path.write_text(json.dumps(completed(document, workflow, run, bucket, options)), encoding="utf-8")
    if (workdir / FUNCTIONS).exists():
        (workdir / FUNCTIONS).rename(workdir / USER_FUNCTIONS)
    shutil.copyfile(template_path(f"engine/{FUNCTIONS}"), workdir / FUNCTIONS)
    return workflow


def completed(
    document: dict[str, Any], workflow: Workflow, run: str, bucket: str, options: Mapping[str, str | float] = {}
) -> dict[str, Any]:
    """The document with each job's options, one firing for each process, and all input signals sent at the start."""
    files = {"storage": "s3", "bucket": bucket, "prefix": FILES_PREFIX}
    of_all = {**files, **options, "wfid": run, "hfId": run}
    processes = [
        _with_options(process, of_all | {"procId": number})
        for number, process in enumerate(document["processes"], start=1)
    ]
    to_send = set(_unsent(workflow))
    signals = [
        {**signal, "data": [{}]} if index in to_send else signal for index, signal in enumerate(document["signals"])
    ]
    return {**document, "processes": processes, "signals": signals}


def _with_options(process: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
    """A process that fires once, as all do in a DAG; as a job it has these options beside its own."""
    once = {"firingLimit": 1, "type": "dataflow", **process}
    if process["function"] not in JOB_FUNCTIONS:
        return once
    config = process["config"]
    executor = {**config["executor"], "options": {**options, **config["executor"].get("options", {})}}
    return {**once, "function": JOB_FUNCTION, "config": {**config, "executor": executor}}


def _unsent(workflow: Workflow) -> Iterator[int]:
    """The signals that nobody writes and the file does not send: old files relied on `hflow run -s` for them."""
    written = {int(index) for process in workflow.processes for index in process.outs}
    for index, signal in enumerate(workflow.signals):
        if index not in written and signal.data is None and not signal.control:
            yield index
