"""Who reports the demand of a run: `hfecs run` from the start, the engine from a period that it announces.

The engine announces it in the bucket, where `hfecs run` looks before each period: that needs no broker.
"""

from __future__ import annotations

import json

from hfecs.lookahead.metric import Periods

LONGEST_START_SECONDS = 1800.0
"""From the start of `hfecs run` until the engine reports. After that, nobody waits for it."""

NOTICE_SECONDS = 4.0
"""Lead time between the engine's announcement and its first period: enough for one write to S3."""


def key(run: str) -> str:
    """Where the engine of a run announces its first period."""
    return f"runs/{run}/demand.json"


def first_period(periods: Periods) -> int:
    """The first period that an engine can take over if it announces it now."""
    return int((periods.clock() + NOTICE_SECONDS) // periods.seconds) + 1


def written(period: int) -> str:
    """The engine's announcement: from this period on."""
    return json.dumps({"first_period": period})


def read(text: str) -> int | None:
    """The number of the engine's first period; None if it cannot be read."""
    try:
        return int(json.loads(text)["first_period"])
    except (ValueError, TypeError, KeyError, OverflowError):
        return None
