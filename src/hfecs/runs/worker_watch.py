"""Watch that a run gets workers: say AWS's reasons if none comes, and give up where a limit is set."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from hfecs.aws.errors import ignoring, one_or_several, passable
from hfecs.errors import NoWorkers, WorkflowFailed
from hfecs.observe.reasons import Reason, reasons
from hfecs.provisioning.stack import Stack

if TYPE_CHECKING:
    from hfecs.config import Config

# Beyond a machine's boot time, workers may take this long before anything is said.
PATIENCE_SECONDS = 120.0
# Between two looks at the workers, between two questions for reasons, and between two lines that say the same.
LOOK_SECONDS = 15.0
ASK_SECONDS = 60.0
AGAIN_SECONDS = 300.0


def given_up(run: str, error: NoWorkers) -> WorkflowFailed:
    """The error of a run that was stopped because it had no workers."""
    return WorkflowFailed(
        f"Run {run} was given up: {error.message}.",
        hint=f"once the cause is mended, hfecs run --resume {run} continues it\n"
        "hfecs status shows what AWS could not start",
    )


class WorkerWatch:
    """Called about every second while a run is followed; `jobs_left` tells whether the run needs a worker at all.

    `max_wait` is how many seconds the run may be without a worker; 0: as long as it takes.
    """

    def __init__(
        self,
        stack: Stack,
        say: Callable[[str], None],
        *,
        jobs_left: Callable[[], bool],
        boot_seconds: float,
        max_wait: float = 0.0,
    ) -> None:
        self._stack, self._say, self._jobs_left = stack, say, jobs_left
        self._patience, self._max_wait = boot_seconds + PATIENCE_SECONDS, max_wait
        self._look_every = min(LOOK_SECONDS, max_wait / 3) if max_wait else LOOK_SECONDS
        self._since = self._now()
        self._looked = self._asked = self._said_at = float("-inf")
        self._told: set[str] = set()

    @classmethod
    def of(cls, stack: Stack, config: Config, say: Callable[[str], None], jobs_left: Callable[[], bool]) -> WorkerWatch:
        """As the configuration says."""
        limit, boot = 60.0 * config.run.max_wait, config.scaling.boot_seconds
        return cls(stack, say, jobs_left=jobs_left, boot_seconds=boot, max_wait=limit)

    def __call__(self) -> None:
        """Look after the workers, unless it was done a moment ago; NoWorkers if none came in time."""
        now = self._now()
        if now - self._looked < self._look_every:
            return
        self._looked = now
        if not self._jobs_left() or self._has_workers():
            self._since = now
            self._said_at = float("-inf")
            self._told.clear()
            return
        waited = now - self._since
        if self._max_wait and waited >= self._max_wait:
            self._tell(waited, self._reasons())
            raise NoWorkers(f"it had no worker for {_duration(waited)} (run.max_wait)")
        if waited >= self._patience and now - self._asked >= ASK_SECONDS:
            self._asked = now
            self._tell(waited, self._reasons())

    def _tell(self, waited: float, found: list[Reason]) -> None:
        """Say new reasons in full; after some minutes without a new one, one line that it is still so."""
        new = [reason for reason in found if reason.text() not in self._told]
        since_said = self._now() - self._said_at
        if not new and since_said < AGAIN_SECONDS:
            return
        before = "No worker yet" if not self._told and since_said == float("inf") else "Still no worker"
        self._said_at = self._now()
        self._told |= {reason.text() for reason in found}
        if new:
            self._say(f"  {before} after {_duration(waited)}. AWS says:")
            for line in (line for reason in new for line in reason.lines()):
                self._say(f"    {line}")
        elif found:
            self._say(f"  {before} after {_duration(waited)}, as before: {found[0].sentence or found[0].said}.")
        else:
            self._say(f"  {before} after {_duration(waited)}, and AWS names no reason: hfecs status, hfecs logs master")

    def _has_workers(self) -> bool:
        """Whether a worker is running, or, if AWS cannot be asked now, may be."""
        services: list[Any] = []
        try:
            with ignoring("ClusterNotFoundException"):
                names = [self._stack.full_name("worker")]
                cluster = self._stack.full_name("cluster")
                services = self._stack.cloud.ecs.describe_services(cluster=cluster, services=names)["services"]
        except one_or_several() as error:
            if not passable(error):
                raise
            return True
        return any(service["runningCount"] for service in services)

    def _reasons(self) -> list[Reason]:
        try:
            return reasons(self._stack)
        except one_or_several() as error:
            if not passable(error):
                raise
            return []

    def _now(self) -> float:
        return self._stack.wait.clock.now()


def _duration(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds >= 60 else f"{seconds:.0f} s"
