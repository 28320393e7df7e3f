"""Who loads moto, which takes more than a second."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

TESTS = Path(__file__).parent


def test_no_conftest_loads_moto_before_a_test_needs_it() -> None:
    paths = [path.relative_to(TESTS).with_suffix("") for path in TESTS.rglob("conftest.py")]
    names = ", ".join(".".join(path.parts) for path in sorted(paths))

    ended = subprocess.run(
        [sys.executable, "-c", f"import sys, {names}; sys.exit('moto' in sys.modules)"], cwd=TESTS, check=False
    )

    assert len(paths) > 5
    assert ended.returncode == 0
