"""What goes wrong in this cloud because somebody wants to see what comes of it: a file that is read at each event.

`faults.json` in the cloud's directory has up to three tables. Their keys are patterns as in a shell, for the Name tag
of a machine or for an image; their values are AWS's words:

    {"launches": {"*-workers": "VcpuLimitExceeded: You have requested more vCPU capacity than ..."},
     "deaths":   {"*-master": "Client.InternalError: Client error on launch"},
     "starts":   {"hfecs-local/worker": "CannotPullContainerError: ... manifest unknown"}}

A launch is refused with the code before the colon; a machine dies while it is pending; a task does not start.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

FILE = "faults.json"


@dataclass(frozen=True)
class Faults:
    """The faults of the cloud in this directory."""

    directory: Path

    def launch(self, name: str) -> tuple[str, str] | None:
        """The code and the words with which the launch of a machine of that name is refused; None if it is not."""
        code, _, words = (self._of("launches", name) or "").partition(": ")
        return (code, words) if code else None

    def death(self, name: str) -> str | None:
        """Why a machine of that name dies while it is pending; None if it does not."""
        return self._of("deaths", name)

    def start(self, image: str) -> str | None:
        """Why a container of that image does not start; None if it does."""
        return self._of("starts", image)

    def _of(self, table: str, name: str) -> str | None:
        patterns: dict[str, str] = self._read().get(table, {})
        return next((words for pattern, words in patterns.items() if fnmatchcase(name, pattern)), None)

    def _read(self) -> dict[str, Any]:
        """What the file says now; nothing if there is none, or while it is being written."""
        try:
            found: Any = json.loads((self.directory / FILE).read_text())
        except (FileNotFoundError, json.JSONDecodeError):
            return {}
        return found if isinstance(found, dict) else {}


def name_of(tags: Any) -> str:
    """The Name tag of a machine."""
    return next((str(tag["value"]) for tag in tags if tag["key"] == "Name"), "")
