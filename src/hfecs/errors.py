"""All errors that a person may see, and the exit codes they end in.

    HfecsError                    1   something went wrong
    ├── Failed                    1   AWS, the local cloud or the workflow failed
    │   ├── AwsFailed                 a call was answered with an error that nobody expected
    │   ├── TimedOut                  something did not become true in time
    │   ├── WorkflowFailed            a job of the workflow failed, or the run was lost
    │   ├── Leftovers                 destroy could not remove everything
    │   └── LocalCloudFailed          the local cloud cannot start or does not answer
    ├── Misused                   2   wrong usage, configuration or input
    │   ├── ConfigurationInvalid      hfecs.toml, HFECS_... or a flag
    │   ├── WorkflowInvalid           the job directory or its dag.json
    │   ├── TemplateInvalid           a file of templates/ does not fit its values
    │   ├── StateInvalid              the state file is broken, newer, or of another account
    │   └── NoCluster                 the cluster that a command works on does not stand
    └── Refused                   3   for safety
        ├── NotOurs                   a resource of that name exists and carries no tag of ours
        ├── Locked                    another hfecs works on the same state
        └── NotConfirmed              a question was not answered with yes

An error is a sentence saying what was tried and on what; `hint` says what to do next. Everything else that is
raised is a bug and keeps its traceback.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class HfecsError(Exception):
    """An error for a person: a sentence, and a hint with the way out."""

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class Failed(HfecsError):
    """AWS, the local cloud or the workflow failed."""


class AwsFailed(Failed):
    """AWS answered a call with an error that nobody expected; `code` is its own name for it."""

    def __init__(self, message: str, hint: str = "", *, code: str = "") -> None:
        super().__init__(message, hint)
        self.code = code


class TimedOut(Failed):
    """Something did not become true in time."""


class WorkflowFailed(Failed):
    """A job of the workflow failed, or the run was lost."""


@dataclass(frozen=True)
class Leftover:
    """Something that could not be removed: what it is, what it costs in words, and why it is still there."""

    what: str
    cost: str
    reason: str


class Leftovers(Failed):
    """Destroy could not remove everything; `things` is all that is left."""

    def __init__(self, things: Sequence[Leftover]) -> None:
        lines = [f"  {thing.what}, {thing.cost}\n      {thing.reason}" for thing in things]
        super().__init__("Not everything could be removed:\n" + "\n".join(lines), hint="run the same command again")
        self.things = list(things)


class LocalCloudFailed(Failed):
    """The local cloud cannot start or does not answer."""


class Misused(HfecsError):
    """Wrong usage, configuration or input."""

    exit_code = 2


class ConfigurationInvalid(Misused):
    """The configuration file, an HFECS_ variable or a flag has a value that cannot be used."""


class WorkflowInvalid(Misused):
    """The job directory or its dag.json cannot be run."""


class TemplateInvalid(Misused):
    """A file of templates/ does not fit the values that it is rendered with."""


class StateInvalid(Misused):
    """The state file is broken, of a newer version, or belongs to another account or region."""


class NoCluster(Misused):
    """The cluster that a command works on does not stand there."""


class Refused(HfecsError):
    """Not done, for safety."""

    exit_code = 3


class NotOurs(Refused):
    """A resource of that name exists and does not carry our tags."""


class Locked(Refused):
    """Another hfecs works on the same state."""


class NotConfirmed(Refused):
    """A question was not answered with yes."""
