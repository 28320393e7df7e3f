"""Every command of the README, executed on a local cloud."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from end_to_end.project import ROOT, project

pytestmark = pytest.mark.end_to_end

# Need a builder of images and a registry; tests/images runs them against stand-ins. A stop needs a run that goes on.
ELSEWHERE = {"images build", "images push", "run --stop"}
SMALL = ["--grid", "2", "--pixels", "100"]


def lines() -> list[list[str]]:
    """The commands that stand in blocks, word by word."""
    found = re.findall(r"^    (?:\.venv/bin/)?hfecs ([a-z-][^─\n]*)$", (ROOT / "README.md").read_text(), re.MULTILINE)
    return [shlex.split(line) for line in found]


def mentioned() -> set[str]:
    """The commands that stand in the text: their first two words."""
    found = re.findall(r"`hfecs ([a-z][^`]*)`", (ROOT / "README.md").read_text())
    return {" ".join(shlex.split(text.replace("\\|", " "))[:2]) for text in found}


def test_the_commands_of_the_readme_do_what_they_say(tmp_path: Path) -> None:
    assert len(lines()) > 8
    done = set()

    with project(tmp_path) as here:
        for words in lines():
            for command in [words, *(FOLLOWING if words[:1] == ["run"] else [])]:
                here.done(*_on_a_local_cloud(command))
                done.add(" ".join(word for word in command if word != "--local"))

    begun = {" ".join(command.split()[:2]) for command in done}
    begun |= {command.split()[0] for command in done}
    missing = {text for text in mentioned() if text not in begun | ELSEWHERE and text.split()[0] not in begun}
    assert missing == set()


FOLLOWING = [
    ["plan"],
    ["status"],
    ["logs"],
    ["monitoring", "status"],
    ["config", "show"],
    ["local", "status"],
    ["run", "--attach"],
    ["runs"],
    ["report"],
    ["export", "--format", "csv"],
]


def _on_a_local_cloud(words: list[str]) -> list[str]:
    """The command as it stands, on the local cloud, and without its question."""
    if words[0] in ("example", "local"):
        return [*words, *(SMALL if words[0] == "example" else [])]
    words = words if words[0] == "--local" else ["--local", *words]
    return [*words, "--yes"] if "destroy" in words and "--yes" not in words else words
