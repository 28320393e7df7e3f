"""Which test handles which row of the list of AWS's behaviours, and which rows are accepted as they are."""

from __future__ import annotations

import tomllib
from pathlib import Path

from hostile.scenarios import SCENARIOS

TESTS = Path(__file__).parents[1]
LAST_ROW = 111


def tested() -> dict[int, list[str]]:
    """Tests (file::function) by row, the scenarios included."""
    rows = {int(row): list(tests) for row, tests in _table()["tested"].items()}
    for scenario in SCENARIOS:
        for row in scenario.rows:
            rows.setdefault(row, []).append(f"scenario: {scenario.name}")
    return dict(sorted(rows.items()))


def accepted() -> dict[int, str]:
    """Reasons by row."""
    return {int(row): str(reason) for row, reason in _table()["accepted"].items()}


def missing_tests() -> list[str]:
    """Named tests that do not exist."""
    named = [test for tests in tested().values() for test in tests if not test.startswith("scenario: ")]
    return [test for test in named if not _exists(*test.split("::"))]


def _exists(file: str, name: str) -> bool:
    path = TESTS / file
    return path.exists() and f"def {name}(" in path.read_text()


def _table() -> dict[str, dict[str, list[str]]]:
    return tomllib.loads((TESTS / "hostile" / "rows.toml").read_text())
