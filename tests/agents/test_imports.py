"""What the agents load when they start."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src"


@pytest.mark.parametrize("agent", ["worker", "engine", "notifier"])
def test_an_agent_starts_without_boto3(agent: str) -> None:
    line = f"import sys, hfecs.agents.{agent}.main; sys.exit('boto3' in sys.modules or 'botocore' in sys.modules)"

    ended = subprocess.run([sys.executable, "-c", line], env={"PYTHONPATH": str(SOURCE)}, check=False)

    assert ended.returncode == 0
