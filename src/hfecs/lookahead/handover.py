"""Who tells the demand of a run: `hfecs run` from its first second, the engine from a period on that it names.

The engine names it in the bucket, where `hfecs run` looks before each period: it needs no broker for that.
"""

from __future__ import annotations

import json

from hfecs.lookahead.metric import Periods

LONGEST_START_SECONDS = 1800.0
"""From the start of `hfecs run` until the engine tells. After that nobody waits for it any more."""

NOTICE_SECONDS = 4.0
"""What the engine leaves from its word to its first period: so long a write to the bucket may take."""


def key(run: str) -> str:
    """Where the engine of a run names its first period."""
    return f"runs/{run}/demand.json"


def first_period(periods: Periods) -> int:
    """The number of the first period that an engine can take which speaks now."""
    return int((periods.clock() + NOTICE_SECONDS) // periods.seconds) + 1


def written(period: int) -> str:
    """The engine's word: from this period on."""
    return json.dumps({"first_period": period})


def read(text: str) -> int | None:
    """The number of the engine's first period; None of what cannot be read."""
    try:
        return int(json.loads(text)["first_period"])
    except (ValueError, TypeError, KeyError, OverflowError):
        return None
