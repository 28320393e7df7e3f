"""Preview of an up: ask about changes that interrupt running work before anything is changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from hfecs.errors import NotConfirmed
from hfecs.provisioning.report import Recorder
from hfecs.provisioning.stack import Stack


def ask_first(stack: Stack, make: Callable[[Stack], object]) -> None:
    """Run `make` as a plan over the survey, and ask about the changes that interrupt running work.

    NotConfirmed if they are declined; nothing has been changed then. A preview makes no call that the survey has not
    made.
    """
    if stack.plan or stack.may_interrupt:
        return
    rehearsed = Recorder()
    make(replace(stack, plan=True, reporter=rehearsed))
    told = dict.fromkeys(
        f"  {step.kind} {step.name}, {change.field}: {change.interrupts}"
        for step in rehearsed.steps
        for change in step.changes
        if change.interrupts
    )
    if not told:
        return
    message = "This would interrupt running work:\n" + "\n".join(told)
    if not stack.confirm(f"{message}\nContinue?"):
        raise NotConfirmed(f"{message}\nNothing was changed.", hint="answer y, or repeat with --yes")
    stack.may_interrupt = True
