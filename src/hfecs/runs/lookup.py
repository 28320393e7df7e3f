"""Find the run that a command means, by the state file, or by its task while it is running."""

from __future__ import annotations

import re

from hfecs.blueprints.run import Run
from hfecs.errors import Misused
from hfecs.provisioning.stack import Stack
from hfecs.resources import task
from hfecs.workflow.variables import given


def latest(stack: Stack, name: str | None = None) -> Run:
    """The run of that name, or the last one; Misused if neither the state file nor ECS knows it."""
    run = named(stack, name)
    if run is None:
        which = f"Run {name} was not" if name else "No run was"
        raise Misused(
            f"{which} found in cluster {stack.cluster}.",
            hint="start one: hfecs run JOB_DIR --bucket NAME",
        )
    return run


def named(stack: Stack, name: str | None) -> Run | None:
    """The run of that name, or the last one; one that somebody else started is found by its task while running."""
    last = remembered(stack)
    if last and name in (None, last.name):
        return last
    running = {found.name: found for found in task.survey(stack)}
    found = running.get(name) if name else next(iter(running.values()), None)
    if not found:
        return None
    told = {pair["name"]: pair["value"] for pair in found.actual["overrides"]["containerOverrides"][0]["environment"]}
    return Run(found.name, told["BUCKET"], found.id, int(told.get("ATTEMPT", 1)), given([], told)[0])


def remembered(stack: Stack) -> Run | None:
    """The last run, according to the state file."""
    known = stack.outputs()
    if not all(known.get(key) for key in ("run", "bucket", "task")):
        return None
    attempt = known.get("attempt", "1")
    return Run(known["run"], known["bucket"], known["task"], int(attempt) if re.fullmatch("[0-9]{1,6}", attempt) else 1)
