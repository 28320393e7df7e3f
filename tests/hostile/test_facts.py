"""What the document is made of when a test was tried twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from hostile.facts import FOLDER, Facts, read


def test_of_two_tries_the_last_one_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FOLDER, str(tmp_path))
    facts = Facts()

    facts.note("kill", command="run", number=1, outcome={"destroy": "a machine is left"})
    facts.note("kill", command="run", number=2, outcome={"destroy": ""})
    facts.note("kill", command="run", number=1, outcome={"destroy": ""})

    assert read(tmp_path) == [
        {"fact": "kill", "command": "run", "number": number, "outcome": {"destroy": ""}} for number in (1, 2)
    ]
