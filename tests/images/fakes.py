"""Programs that build images, of paper: each call is written down, and answered as a test wants it."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

PROGRAM = """#!{python}
import json, sys
words = sys.argv[1:]
stdin = sys.stdin.read() if "--password-stdin" in words else ""
with open({log!r}, "a") as log:
    log.write(json.dumps({{"program": {program!r}, "words": words, "stdin": stdin}}) + "\\n")
if "inspect" in words:
    print("sha256:" + words[-1].encode().hex()[:64].ljust(64, "0"))
sys.exit({fails!r} in words)
"""


@dataclass(frozen=True)
class Paper:
    """A folder with such programs, which is all of PATH."""

    folder: Path

    @property
    def _log(self) -> Path:
        return self.folder / "calls"

    def install(self, program: str, *, fails: str = "") -> None:
        """Put a program there that fails when one of its words is `fails`."""
        text = PROGRAM.format(python=sys.executable, log=str(self._log), program=program, fails=fails)
        (self.folder / program).write_text(text)
        (self.folder / program).chmod(0o755)

    def calls(self, verb: str = "") -> list[dict[str, Any]]:
        """What the programs were called with, those with that first word."""
        lines = self._log.read_text().splitlines() if self._log.exists() else []
        return [call for call in map(json.loads, lines) if call["words"][0].startswith(verb)]

    def words(self, verb: str) -> list[list[str]]:
        """The command lines that begin with a word."""
        return [call["words"] for call in self.calls(verb)]


@pytest.fixture
def paper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Paper:
    """No program of this machine can be found; those that a test installs can."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setitem(os.environ, "PATH", str(folder))
    return Paper(folder)
