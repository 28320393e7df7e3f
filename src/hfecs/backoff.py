"""Pauses between attempts that double each time."""

from __future__ import annotations


class Backoff:
    """Pauses in seconds: a first one, each further one twice as long, none longer than the longest."""

    def __init__(self, first: float, longest: float) -> None:
        self._first, self._longest = min(first, longest), longest
        self.reset()

    def reset(self) -> None:
        """Start again with the first pause: an attempt succeeded."""
        self._next = self._first

    def next(self) -> float:
        """The pause before the next attempt."""
        pause, self._next = self._next, min(2 * self._next, self._longest)
        return pause
