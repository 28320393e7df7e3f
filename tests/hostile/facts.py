"""What tests found out, written down for docs/reliability.md when scripts/reliability asks for it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

FOLDER = "HFECS_FACTS"
RESULTS = ("outcome", "code", "left")


class Facts:
    """A line of JSON for each fact, in a file of this process."""

    def note(self, kind: str, **fact: Any) -> None:
        """Write a fact down, if anybody wants to know."""
        if folder := os.environ.get(FOLDER):
            with (Path(folder) / f"{os.getpid()}.jsonl").open("a") as file:
                file.write(json.dumps({"fact": kind, **fact}) + "\n")


def read(folder: Path) -> list[dict[str, Any]]:
    """All facts of a folder, in an order that does not depend on who wrote first.

    A test that was tried twice, in one process, has found out what it found the last time.
    """
    lines: set[str] = set()
    for file in folder.glob("*.jsonl"):
        lines.update({_subject(line): line for line in file.read_text().splitlines()}.values())
    return [json.loads(line) for line in sorted(lines)]


def _subject(line: str) -> str:
    """What a fact is about."""
    return json.dumps({key: value for key, value in json.loads(line).items() if key not in RESULTS})
