"""The log of an agent: lines on stderr, which the container's log driver takes from there."""

from __future__ import annotations

import logging
import sys


def start_logging() -> None:
    """Send the agent's own lines to stderr; of the libraries only what is worth a warning."""
    logging.basicConfig(
        stream=sys.stderr, level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s", force=True
    )
    logging.getLogger("hfecs").setLevel(logging.INFO)
    logging.getLogger("pika").setLevel(logging.CRITICAL)
