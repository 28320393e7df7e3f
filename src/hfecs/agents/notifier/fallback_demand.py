"""Jobs that nobody asks machines for: of an engine that tells no demand, or whose demand does not arrive."""

from __future__ import annotations

from hfecs.agents.notifier.queue import QueueNumbers

PATIENCE_SECONDS = 210.0
"""Longer than a machine takes to boot and to begin its executor: 150 s and a minute."""


class FallbackDemand:
    """Told the numbers of the queue, counts its jobs as demand when they have waited for long without any worker."""

    def __init__(self, patience: float) -> None:
        """`patience` in seconds: longer than machines take that somebody has asked for."""
        self._patience = patience
        self._since: float | None = None
        self._counting = False

    def demand(self, numbers: QueueNumbers, now: float) -> int:
        """The job slots that nobody else asks for: the backlog, from the end of the patience until it is gone."""
        if numbers.backlog == 0:
            self._since, self._counting = None, False
        elif numbers.consumers and not self._counting:
            self._since = None
        elif self._since is None:
            self._since = now
        elif now - self._since >= self._patience:
            self._counting = True
        return numbers.backlog if self._counting else 0
