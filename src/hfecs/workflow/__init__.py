"""A job directory's dag.json: the model, its checks and its numbers.

`load` reads a whole job directory; `parse` a text and `from_document` a JSON document that have no directory.
All of them give a `Workflow`, or raise `WorkflowInvalid` with all that is wrong.
"""

from __future__ import annotations

from hfecs.workflow.beginning import Beginning
from hfecs.workflow.document import Executor, Process, Signal
from hfecs.workflow.functions import Scripts
from hfecs.workflow.graph import Workflow
from hfecs.workflow.job_directory import JobDirectory
from hfecs.workflow.model import current, from_bytes, from_document, load, parse, read
from hfecs.workflow.variables import fill

__all__ = [
    "Beginning",
    "Executor",
    "JobDirectory",
    "Process",
    "Scripts",
    "Signal",
    "Workflow",
    "current",
    "fill",
    "from_bytes",
    "from_document",
    "load",
    "parse",
    "read",
]
