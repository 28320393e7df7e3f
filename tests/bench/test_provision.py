"""The bench that compares hfecs with Terraform still works: its simulated AWS has what a cluster needs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

BENCH = Path(__file__).parents[2] / "bench/provision"


def test_a_cluster_is_created_and_destroyed_on_the_server_of_the_bench(tmp_path: Path) -> None:
    numbers = tmp_path / "numbers.json"

    ended = subprocess.run(
        [sys.executable, BENCH, "--skip-terraform", "--runs", "1", "--delay-ms", "0", "--json", numbers],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )

    assert ended.returncode == 0, ended.stdout + ended.stderr
    hfecs = json.loads(numbers.read_text())["tools"]["hfecs"]
    assert (hfecs["up"]["standing"]["instance"], hfecs["destroy"]["standing"]) == (1, {})
