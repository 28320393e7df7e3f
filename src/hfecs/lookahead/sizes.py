"""The numbers of machines that a step policy can choose from; demand planning compares the same ones."""

from __future__ import annotations

MOST_STEPS = 20
"""Maximum number of steps in a step policy, and so of the sizes that demand planning compares."""


def sizes(most: int) -> list[int]:
    """The sizes up to `most`: all up to 20, or 20 that grow by a constant factor."""
    if most <= MOST_STEPS:
        return list(range(1, most + 1))
    factor = most ** (1 / (MOST_STEPS - 1))
    return sorted({round(factor**power) for power in range(MOST_STEPS)})
