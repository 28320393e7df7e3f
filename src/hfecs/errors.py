"""All errors that a user may see, and their exit codes.

    HfecsError                    1   something went wrong
    ├── Failed                    1   AWS, the local cloud or the workflow failed
    │   ├── AwsFailed                 AWS returned an unexpected error
    │   ├── TimedOut                  something was not ready in time
    │   ├── WorkflowFailed            a job of the workflow failed, or the run was lost
    │   ├── NoWorkers                 a run has had no worker for as long as it may
    │   ├── Leftovers                 destroy could not delete everything
    │   └── LocalCloudFailed          the local cloud cannot start or does not respond
    ├── Misused                   2   wrong usage, configuration or input
    │   ├── CredentialsInvalid        AWS refuses the credentials, or there are none
    │   ├── ConfigurationInvalid      hfecs.toml, HFECS_... or a flag
    │   ├── WorkflowInvalid           the job directory or its dag.json
    │   ├── TemplateInvalid           a file in templates/ does not fit its values
    │   ├── StateInvalid              the state file is corrupt, too new, or belongs to another account
    │   └── NoCluster                 the cluster that a command works on does not exist
    └── Refused                   3   refused for safety
        ├── NotOurs                   a resource of that name exists without our tags
        ├── Locked                    another hfecs is working on the same state
        └── NotConfirmed              a question was not answered with yes

An error is a sentence saying what was tried on what; `hint` says what to do next. Any other exception is a bug
and keeps its traceback.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class HfecsError(Exception):
    """An error for the user: a sentence, and a hint what to do."""

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class Failed(HfecsError):
    """AWS, the local cloud or the workflow failed."""


class AwsFailed(Failed):
    """AWS returned an unexpected error; `code` is its error code."""

    def __init__(self, message: str, hint: str = "", *, code: str = "") -> None:
        super().__init__(message, hint)
        self.code = code


class TimedOut(Failed):
    """Something was not ready in time."""


class WorkflowFailed(Failed):
    """A job of the workflow failed, or the run was lost."""


class NoWorkers(Failed):
    """A run has had no worker for as long as it may."""


@dataclass(frozen=True)
class Leftover:
    """Something that could not be deleted: what it is, its cost in words, and why it still exists."""

    what: str
    cost: str
    reason: str


class Leftovers(Failed):
    """Destroy could not delete everything; `things` are the leftovers."""

    def __init__(self, things: Sequence[Leftover]) -> None:
        lines = [f"  {thing.what}, {thing.cost}\n      {thing.reason}" for thing in things]
        super().__init__("Not everything could be removed:\n" + "\n".join(lines), hint="run the same command again")
        self.things = list(things)


class LocalCloudFailed(Failed):
    """The local cloud cannot start or does not respond."""


class Misused(HfecsError):
    """Wrong usage, configuration or input."""

    exit_code = 2


class CredentialsInvalid(Misused):
    """AWS refuses the credentials, or there are none; `cause` is the same for each call that fails for it."""

    def __init__(self, message: str, hint: str = "", *, cause: str = "") -> None:
        super().__init__(message, hint)
        self.cause = cause


class ConfigurationInvalid(Misused):
    """The configuration file, an HFECS_ variable or a flag has an invalid value."""


class WorkflowInvalid(Misused):
    """The job directory or its dag.json cannot be run."""


class TemplateInvalid(Misused):
    """A file in templates/ does not fit the values that it is rendered with."""


class StateInvalid(Misused):
    """The state file is corrupt, of a newer version, or belongs to another account or region."""


class NoCluster(Misused):
    """The cluster that a command works on does not exist."""


class Refused(HfecsError):
    """Refused for safety."""

    exit_code = 3


class NotOurs(Refused):
    """A resource of that name exists and does not carry our tags."""


class Locked(Refused):
    """Another hfecs is working on the same state."""


class NotConfirmed(Refused):
    """A question was not answered with yes."""
