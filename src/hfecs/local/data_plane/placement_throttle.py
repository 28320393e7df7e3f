"""ECS's patience with a service whose tasks find no machine: it soon places them far less often.

AWS documents it as the service throttle logic: a lack of resources slows a service down, to one attempt in 27 minutes
at most. That it begins after about 50 s, with 5 minutes to the next attempt, is what users have measured.
"""

from __future__ import annotations

from dataclasses import dataclass

PATIENCE = 50.0  # seconds that tasks find no machine until their service is throttled
FIRST_WAIT = 6.0  # 5 minutes until the next attempt, in units of the patience
LONGEST_WAIT = 32.4  # 27 minutes


@dataclass
class PlacementThrottle:
    """When the tasks of one service may be placed; a new one if the service is updated."""

    failing_since: float | None = None
    waits: int = 0
    retry_at: float = 0.0

    def allows(self, now: float) -> bool:
        """Whether ECS tries to place tasks now."""
        return now >= self.retry_at

    def failed(self, now: float, patience: float) -> None:
        """A task found no machine; in a throttled service, a single failure lengthens the wait."""
        self.failing_since = now if self.failing_since is None else self.failing_since
        if self.waits or now - self.failing_since >= patience:
            self.retry_at = now + patience * min(FIRST_WAIT * 2.0**self.waits, LONGEST_WAIT)
            self.waits += 1

    def succeeded(self) -> None:
        """A task was placed, or none is missing."""
        self.failing_since, self.waits, self.retry_at = None, 0, 0.0
