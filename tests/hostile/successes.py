"""What exit code 0 of each command says, and what was verified before it is said."""

from __future__ import annotations

import tomllib
from pathlib import Path


def read() -> dict[str, dict[str, str]]:
    """What it `says` and what was `verified`, by command."""
    return tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
