"""Between which numbers of machines a step policy chooses; who plans ahead compares the same."""

from __future__ import annotations

MOST_STEPS = 20
"""A step policy takes no more steps; as many numbers of machines are compared by who plans ahead."""


def sizes(most: int) -> list[int]:
    """The numbers of machines up to `most`: all up to 20, or 20 that grow by an equal factor."""
    if most <= MOST_STEPS:
        return list(range(1, most + 1))
    factor = most ** (1 / (MOST_STEPS - 1))
    return sorted({round(factor**power) for power in range(MOST_STEPS)})
