"""The command `hfecs`, and `python -m hfecs`: Ctrl-C is handled from the start, even while libraries load."""

from __future__ import annotations

import os
from typing import NoReturn

INTERRUPTED = 130


def entry() -> NoReturn:
    """Run as a program."""
    try:
        from hfecs import cli

        cli.entry()
    except KeyboardInterrupt:
        os._exit(INTERRUPTED)


if __name__ == "__main__":
    entry()
