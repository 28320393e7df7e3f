"""The reply to the engine about a job."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

FAILED = 1
"""The exit status in the reply if a job failed before or after its command."""


@dataclass(frozen=True)
class Reply:
    """How a job ended and how often it was tried; a successful one has no exceptions."""

    exit_status: int
    stdout: str = ""
    stderr: str = ""
    metrics: dict[str, Any] = field(default_factory=dict)
    exceptions: tuple[str, ...] = ()
    attempts: int = 1

    def body(self, executor: str) -> dict[str, Any]:
        """The reply in the form sent."""
        told = {"exit_status": self.exit_status, "stdout": self.stdout, "stderr": self.stderr, "metrics": self.metrics}
        exceptions = {"exceptions": list(self.exceptions)} if self.exceptions else {}
        return {**told, **exceptions, "executor": executor, "attempts": self.attempts}
