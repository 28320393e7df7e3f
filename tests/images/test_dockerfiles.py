from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from hfecs import templating
from hfecs.images.recipes import BASE

IMAGES = templating.templates() / "images"
SCRIPT = Path(__file__).parents[2] / "scripts/images"
DOCKERFILES = sorted(IMAGES.glob("*/Dockerfile"))

each = pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.parent.name)


def instructions(path: Path, name: str) -> list[str]:
    """What stands behind an instruction, with continued lines joined."""
    text = path.read_text().replace("\\\n", " ")
    return [line.partition(" ")[2] for line in text.splitlines() if line.startswith(f"{name} ")]


def test_there_is_one_for_hfecs_and_one_for_the_worker() -> None:
    assert [path.parent.name for path in DOCKERFILES] == ["hfecs", "worker"]


def test_the_base_is_a_release_of_debian_that_can_be_replaced() -> None:
    assert instructions(DOCKERFILES[0], "ARG") == [f"BASE={BASE}"]
    assert BASE == "debian:bookworm-slim"


@each
def test_every_stage_stands_on_an_argument(path: Path) -> None:
    (argument,) = instructions(path, "ARG")

    stages = {stage.split()[0] for stage in instructions(path, "FROM")}

    assert stages == {"${" + argument.partition("=")[0] + "}"}


@each
def test_nothing_is_the_latest_of_its_kind(path: Path) -> None:
    assert "latest" not in path.read_text()


@each
def test_the_programs_do_not_run_as_root(path: Path) -> None:
    assert instructions(path, "USER")[-1] == "hfecs"


@each
def test_the_command_is_left_to_the_task_definition(path: Path) -> None:
    assert instructions(path, "ENTRYPOINT") + instructions(path, "CMD") == []


@each
def test_the_lists_of_packages_do_not_stay_in_what_is_shipped(path: Path) -> None:
    shipped = path.read_text().rpartition("FROM ")[2].replace("\\\n", " ")

    assert [
        line for line in shipped.splitlines() if "apt-get install" in line and "rm -rf /var/lib/apt/lists/*" not in line
    ] == []


def test_what_pip_and_npm_install_is_pinned() -> None:
    runs = " ".join(instructions(DOCKERFILES[0], "RUN"))

    installs = re.findall(r"bin/pip [^&]*\b(?:install|wheel)\b[^&]*", runs)

    assert [install for install in installs if "constraint constraints.txt" not in install] == []
    assert len(installs) == 3
    assert re.findall(r"npm (?:ci|i|install|update)\b", runs) == ["npm ci"]


def test_compilers_and_package_managers_are_only_where_things_are_built() -> None:
    build, shipped = [text.replace("\\\n", " ") for text in DOCKERFILES[0].read_text().split("FROM ${BASE}")[1:]]

    assert "npm python3-venv" in build
    assert re.findall(r"\b(npm|pip|python3-venv|build-essential|gcc)\b", shipped) == []


def test_the_registry_keeps_a_bounded_number_of_images() -> None:
    (rule,) = json.loads((IMAGES / "lifecycle.json").read_text())["rules"]

    assert (rule["selection"]["countType"], rule["selection"]["countNumber"]) == ("imageCountMoreThan", 10)


def test_the_script_that_builds_them_can_be_switched_off() -> None:
    ended = subprocess.run(
        [SCRIPT], env={"HFECS_SKIP_IMAGES": "1", "PATH": "/usr/bin:/bin"}, capture_output=True, text=True, check=False
    )

    assert ended.returncode == 0
    assert ended.stderr == "images: skipped, since HFECS_SKIP_IMAGES is set\n"
