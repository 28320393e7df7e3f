from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CONSTRAINTS = (ROOT / "constraints.txt").read_text().splitlines()


@pytest.mark.parametrize("script", ["scripts/setup", "scripts/check", "scripts/test", ".ci/run"])
def test_a_script_can_be_started(script: str) -> None:
    assert os.access(ROOT / script, os.X_OK)


def test_the_constraints_are_plain_versions() -> None:
    assert [line for line in CONSTRAINTS if not re.fullmatch(r"[\w.-]+==[\w.]+", line)] == []


def test_every_direct_dependency_is_pinned() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = [*project["project"]["dependencies"], *project["dependency-groups"]["dev"]]
    wanted += project["project"]["optional-dependencies"]["local"] + project["build-system"]["requires"]

    pinned = {normal(line.split("==")[0]) for line in CONSTRAINTS}

    assert {normal(re.split(r"[\[<>=~ ]", name)[0]) for name in wanted} - pinned == set()


def normal(name: str) -> str:
    return name.lower().replace("_", "-")
