"""The only file of the agents that sleeps."""

from __future__ import annotations

import time


def pause(seconds: float) -> None:
    """Sleep; tests pass something else."""
    time.sleep(seconds)
