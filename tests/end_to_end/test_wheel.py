"""The wheel, installed where no checkout is near."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from end_to_end.project import ROOT, created

pytestmark = pytest.mark.end_to_end


def test_the_wheel_in_an_empty_environment_builds_a_local_cluster(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True)
    wheel = next(tmp_path.glob("hfecs-*.whl"))
    venv.create(tmp_path / "venv", with_pip=True)
    programs = tmp_path / "venv" / "bin"
    install: list[str | Path] = [
        programs / "pip",
        "install",
        "--quiet",
        "--no-compile",
        "-c",
        ROOT / "constraints.txt",
        f"{wheel}[local]",
    ]
    subprocess.run(install, check=True, capture_output=True)

    try:
        said = _run(programs / "hfecs", "--local", "cluster", "up", folder=tmp_path)
        where = _run(programs / "python", "-c", "import hfecs.templating as r; print(r.templates())", folder=tmp_path)
    finally:
        _run(programs / "hfecs", "local", "down", folder=tmp_path)

    assert created(said) > 20
    assert Path(where.strip()).is_relative_to(tmp_path / "venv")


def _run(*command: str | Path, folder: Path) -> str:
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    ended = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout + ended.stderr
