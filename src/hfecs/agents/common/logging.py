"""An agent's log: lines on stderr, which the container's log driver collects."""

from __future__ import annotations

import logging
import sys


def start_logging() -> None:
    """Log the agent's own messages to stderr, and only warnings of libraries."""
    logging.basicConfig(
        stream=sys.stderr, level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s", force=True
    )
    logging.getLogger("hfecs").setLevel(logging.INFO)
    logging.getLogger("pika").setLevel(logging.CRITICAL)
