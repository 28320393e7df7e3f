"""hfecs run --resume: a run that failed, was stopped or lost goes on with what is not done."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hfecs.commands import progress
from hfecs.commands.context import Context


def resume(hfecs: Context, name: str, directory: Path | None, download: Path | None) -> None:
    """Start the next attempt of a run and follow it; one that has succeeded is only shown."""
    from hfecs.blueprints import cluster, kept, runner

    stack, whole = hfecs.look(runner.STACK), hfecs.stack(cluster.STACK)
    known = kept.find(stack, name, hfecs.config.run.bucket)
    if known.has_succeeded:
        hfecs.console.say(f"Run {name} has nothing left to do.")
        return progress.end(hfecs, known.run(), known.result or {}, download)
    kept.refuse_changes(stack, known, directory)
    run = kept.next_attempt(stack, known)
    hfecs.console.say(f"Run {name}, attempt {run.attempt}: {_told(known.result)}.")
    with progress.starting(hfecs, run):
        runner.forget(stack, known.run())
        started = runner.up(stack, whole, hfecs.config, run=run, directory=directory)
    return progress.follow(hfecs, started, download)


def _told(result: dict[str, Any] | None) -> str:
    if result is None:
        return "its engine was lost, and its journal tells what is done"
    return f"{result['status']} before, with {result['done']} of {result['jobs']} jobs done"
