"""The list of what ends in exit code 0 names every command, and stands in the document."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer.main

from hfecs.cli import app
from hostile import successes
from hostile.document import succeeded


def commands(command: Any, name: str = "") -> Iterator[str]:
    """The names of the commands; those that containers run are one."""
    parts = getattr(command, "commands", {})
    if parts and name != "agent":
        if command.invoke_without_command:
            yield name
        for part, inner in parts.items():
            yield from commands(inner, f"{name} {part}".strip())
    else:
        yield name


def test_every_command_says_what_its_success_means() -> None:
    options = {"run --stop"}

    assert set(successes.read()) - options == set(commands(typer.main.get_command(app)))
    assert all(set(told) == {"says", "verified"} for told in successes.read().values())


def test_the_document_has_the_list() -> None:
    document = (Path(__file__).parents[2] / "docs/reliability.md").read_text(encoding="utf-8")

    assert "\n".join(succeeded()) in document
