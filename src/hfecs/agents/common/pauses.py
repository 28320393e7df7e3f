"""The only file of the agents that sleeps."""

from __future__ import annotations

import time


def pause(seconds: float) -> None:
    """Do nothing for so long; tests hand in something else."""
    time.sleep(seconds)
