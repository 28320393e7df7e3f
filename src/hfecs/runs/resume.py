"""hfecs run --resume: continue a run that failed, was stopped or was lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hfecs.runs import progress
from hfecs.session import Session


def resume(hfecs: Session, name: str, directory: Path | None, download: Path | None) -> None:
    """Start the next attempt of a run and follow it; a run that succeeded is only shown."""
    from hfecs.blueprints import cluster
    from hfecs.blueprints import run as run_blueprint
    from hfecs.runs import archive

    stack, whole = hfecs.look(run_blueprint.STACK), hfecs.stack(cluster.STACK)
    known = archive.find(stack, name, hfecs.config.run.bucket)
    if known.has_succeeded:
        hfecs.console.say(f"Run {name} has nothing left to do.")
        return progress.end(hfecs, known.run(), known.result or {}, download)
    archive.refuse_changes(stack, known, directory)
    run = archive.next_attempt(stack, known)
    hfecs.console.say(f"Run {name}, attempt {run.attempt}: {_told(known.result)}.")
    with progress.starting(hfecs, run):
        run_blueprint.forget(stack, known.run())
        started = run_blueprint.up(stack, whole, hfecs.config, run=run, directory=directory)
    return progress.follow(hfecs, started, download)


def _told(result: dict[str, Any] | None) -> str:
    if result is None:
        return "its engine was lost; its journal lists the finished jobs"
    return f"{result['status']} before, after {result['done']} of {result['jobs']} jobs"
