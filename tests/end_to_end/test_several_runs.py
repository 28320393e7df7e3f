"""Two runs on one cluster at once: machines for both, each with its own end."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from end_to_end.project import Project, project, wait_until

pytestmark = [pytest.mark.end_to_end, pytest.mark.reliability]

GROUP = "hfecs-hyperflow-workers"
DEMAND: Any = {
    "Namespace": "hyperflow",
    "MetricName": "Demand",
    "Dimensions": [{"Name": "ClusterName", "Value": "hyperflow"}],
    "Period": 10,
    "Statistics": ["Sum"],
}

# Machines boot for three seconds; alarms look every ten and act again after a minute, as CloudWatch's do.
QUICK = """
[worker]
threads = 2
[scaling]
asg_max = 4
boot_seconds = 3
instance_cooldown = 10
worker_cooldown = 10
"""

AT_ONCE_SECONDS = 40.0
"""Thirty from the first demand on, and the start of a command on a busy machine; without help it is a minute."""


class Watch:
    """Looks at the cluster as anybody could."""

    def __init__(self, folder: Path) -> None:
        endpoint = json.loads((folder / ".hfecs" / "cloud.json").read_text())["endpoint_url"]
        session = boto3.session.Session("local", "local", region_name="us-east-1")
        self._autoscaling: Any = session.client("autoscaling", endpoint_url=endpoint)
        self._cloudwatch: Any = session.client("cloudwatch", endpoint_url=endpoint)

    def wanted(self) -> int:
        """The machines that the group is told to have."""
        (group,) = self._autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[GROUP])["AutoScalingGroups"]
        return int(group["DesiredCapacity"])

    def demands(self, since: float) -> list[int]:
        """The demand of all runs together, in each period since then."""
        periods = {"StartTime": since // 10 * 10, "EndTime": time.time() // 10 * 10}
        told = self._cloudwatch.get_metric_statistics(**DEMAND, **periods)["Datapoints"]
        return [int(point["Sum"]) for point in sorted(told, key=lambda point: point["Timestamp"])]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    monkeypatch.setenv("HFECS_LOCAL_BOOT", "3")
    (tmp_path / "hfecs.toml").write_text(QUICK)
    with project(tmp_path) as made:
        made.done("--local", "cluster", "up")
        yield made


def held(here: Project, name: str, jobs: int) -> str:
    """A workflow whose jobs run side by side until a file says that they may end; each writes down that it ran."""
    wait = f"echo {name} >> {here.folder}/ran; while [ ! -e {here.folder}/go-{name} ]; do sleep 0.2; done"
    outputs = [f"{name}{number}" for number in range(jobs)]
    processes: list[dict[str, Any]] = [
        {"name": output, "command": f"{wait}; cp begin {output}", "ins": ["begin"], "outs": [output]}
        for output in outputs
    ]
    last = {"name": "last", "command": f"cat {' '.join(outputs)} > {name}", "ins": outputs, "outs": [name]}
    return here.write_workflow(name, [*processes, last], {"begin": "light\n"})


def test_machines_come_for_both_at_once_and_the_end_of_one_leaves_the_other_alone(
    here: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    watch, began = Watch(here.folder), time.time()
    small, large = held(here, "small", 2), held(here, "large", 6)
    of_large = (large, "--bucket", "large-run", "--download", "fetched")

    with here.running("--local", "run", small, "--bucket", "small-run") as first:
        wait_until(lambda: watch.wanted() == 1, what="a machine for the first run", seconds=120)
        wait_until(lambda: watch.demands(began)[-2:] == [2, 2], what="its engine to tell the demand", seconds=120)
        name = here.status()["run"]
        second_began = time.monotonic()
        with here.running("--local", "--state", "second.json", "run", *of_large) as second:
            wait_until(lambda: watch.wanted() > 1, what="machines for the second run", seconds=120)
            reaction = time.monotonic() - second_began
            wait_until(lambda: _ran(here).count("large") == 6, what="the jobs of the second run to begin", seconds=120)

            stopped = here.done("--local", "run", "--stop", "--run", name)
            said, _ = first.communicate(timeout=120)
            (here.folder / "go-large").touch()
            told, _ = second.communicate(timeout=120)
    wait_until(lambda: watch.wanted() == 0, what="all machines to go", seconds=180)

    demands = watch.demands(began)
    with capsys.disabled():
        sys.stdout.write(f"\nthe second run's machines were asked for after {reaction:.1f} s; demands: {demands}\n")
    assert reaction < AT_ONCE_SECONDS
    assert (f"Run {name} was stopped" in stopped, first.returncode) == (True, 1), said
    assert second.returncode == 0, told
    assert "7 of 7 jobs" in told
    assert (here.folder / "fetched" / "large").read_text() == 6 * "light\n"
    assert sorted(_ran(here)) == 6 * ["large"] + 2 * ["small"]
    assert max(demands) == 8, "the sum of both"
    assert demands[-1] == 0


def _ran(here: Project) -> list[str]:
    """What has begun so far."""
    path = here.folder / "ran"
    return path.read_text().split() if path.exists() else []
