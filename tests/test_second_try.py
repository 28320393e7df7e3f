"""A test that fails once because of a bad second."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
FILE = """
import pathlib
import pytest

def at_the_second_try(name):
    tried = pathlib.Path(__file__).with_name(name)
    if not tried.exists():
        tried.touch()
        raise AssertionError("a bad second")

@pytest.mark.end_to_end
def test_real(): at_the_second_try("real")

@pytest.mark.reliability
def test_long(): at_the_second_try("long")

@pytest.mark.end_to_end
def test_broken(): raise AssertionError("always")

@pytest.mark.end_to_end
def test_well(): pass

def test_small(): at_the_second_try("small")
"""


def tried(folder: Path, *options: str, ci: str) -> str:
    """What pytest says of the tests above."""
    (folder / "test_things.py").write_text(FILE)
    (folder / "pytest.ini").write_text("[pytest]\nmarkers =\n  end_to_end\n  reliability\n")
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}
    environment |= {"PYTHONPATH": str(TESTS), "CI": ci, "SECOND_TRIES_FILE": str(folder / "names")}
    words = [sys.executable, "-m", "pytest", "-q", "-p", "second_try", *options, str(folder)]
    return subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, check=False).stdout


@pytest.mark.parametrize("options", [["-n2", "--dist=loadfile"], ["-n2", "--dist=load"]], ids=" ".join)
def test_in_ci_a_test_with_real_programs_has_a_second_try_and_is_named(tmp_path: Path, options: list[str]) -> None:
    said = tried(tmp_path, *options, ci="true").splitlines()

    named = [f"passed only at the second try, to be mended: test_things.py::test_{name}" for name in ("long", "real")]
    assert [line for line in said if "second try" in line] == named
    assert (tmp_path / "names").read_text().splitlines() == named
    assert said[-1].startswith("2 failed, 3 passed, 3 rerun")
    assert sum("a bad second" in line for line in said) >= 3


def test_elsewhere_each_test_has_one(tmp_path: Path) -> None:
    said = tried(tmp_path, ci="").splitlines()

    assert said[-1].startswith("4 failed, 1 passed")
    assert not (tmp_path / "names").exists()
