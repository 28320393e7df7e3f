"""Workflows as documents, and what is wrong with them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hfecs import workflow
from hfecs.errors import WorkflowInvalid


def process(name: str, ins: list[Any], outs: list[Any], **more: Any) -> dict[str, Any]:
    """A job that copies."""
    config = {"executor": {"executable": "cp"}}
    return {"name": name, "function": "{{function}}", "ins": ins, "outs": outs, "config": config, **more}


def executor(**keys: Any) -> dict[str, Any]:
    """The configuration of a job with more keys."""
    return {"executor": {"executable": "cp", **keys}}


def document(*processes: dict[str, Any], signals: int | list[dict[str, Any]] = 3, **more: Any) -> dict[str, Any]:
    """Processes over signals s0, s1 and so on."""
    named = [{"name": f"s{number}"} for number in range(signals)] if isinstance(signals, int) else signals
    return {"name": "w", "processes": [*processes], "signals": named, "ins": [0], "outs": [], **more}


def faults(made: Any, **more: Any) -> list[str]:
    """The faults of a document."""
    with pytest.raises(WorkflowInvalid) as raised:
        workflow.from_document(made, **more)
    assert raised.value.hint
    return [line.strip() for line in raised.value.message.splitlines()[1:]]


def job_directory(directory: Path, made: Any, functions: str | None = None) -> Path:
    """A job directory with the input s0 and, if given, a functions.js."""
    for name in ("workdir", "input"):
        (directory / name).mkdir()
    (directory / "workdir" / "dag.json").write_text(json.dumps(made))
    (directory / "input" / "s0").touch()
    if functions is not None:
        (directory / "workdir" / "functions.js").write_text(functions)
    return directory
