"""Fallback demand: scale on the queue when the engine reports none."""

from __future__ import annotations

from hfecs.agents.notifier.queue import QueueNumbers

PATIENCE_SECONDS = 210.0
"""More than a machine takes to boot and start its executor: 150 s and a minute."""


class FallbackDemand:
    """Given the numbers of the queue, counts its jobs as demand once they have waited too long without any worker."""

    def __init__(self, patience: float) -> None:
        """`patience` in seconds: longer than a machine that was requested takes to start."""
        self._patience = patience
        self._since: float | None = None
        self._counting = False

    def demand(self, numbers: QueueNumbers, now: float) -> int:
        """The job slots that nobody else requests: the backlog, from the end of the patience until it is empty."""
        if numbers.backlog == 0:
            self._since, self._counting = None, False
        elif numbers.consumers and not self._counting:
            self._since = None
        elif self._since is None:
            self._since = now
        elif now - self._since >= self._patience:
            self._counting = True
        return numbers.backlog if self._counting else 0
