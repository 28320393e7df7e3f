"""A run of a few hundred jobs: workers come and go by alarms alone, and no job runs twice."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from end_to_end.project import Project, project, wait_until

pytestmark = [pytest.mark.end_to_end, pytest.mark.reliability]

MOST = 4
WIDE = 100
CLUSTER = "hfecs-hyperflow-cluster"
GROUP, SERVICE = "hfecs-hyperflow-workers", "hfecs-hyperflow-worker"

# Machines boot for three seconds and alarms look every second, ten times as often as CloudWatch does.
QUICK = f"""
[worker]
threads = 2
[scaling]
asg_max = {MOST}
boot_seconds = 3
instance_cooldown = 3
worker_cooldown = 3
idle_periods = 1
"""


@dataclass(frozen=True)
class Moment:
    """The cluster at one time, in seconds since the beginning."""

    seconds: float
    machines_wanted: int
    machines: int
    workers_wanted: int
    workers: int
    demand: float
    alarms: str

    def line(self) -> str:
        machines, workers = f"{self.machines}/{self.machines_wanted}", f"{self.workers}/{self.workers_wanted}"
        return f"{self.seconds:>6.1f}{machines:>11}{workers:>11}{self.demand:>9.0f}  {self.alarms}"


HEAD = "     s   machines    workers   demand  alarms"


class Camera:
    """Looks at the cluster every half second, through the API as anybody could."""

    def __init__(self, folder: Path) -> None:
        endpoint = json.loads((folder / ".hfecs" / "cloud.json").read_text())["endpoint_url"]
        session = boto3.session.Session("local", "local", region_name="us-east-1")

        def opened(name: Any) -> Any:
            return session.client(name, endpoint_url=endpoint)

        self.ecs, self.autoscaling, self.cloudwatch = map(opened, ("ecs", "autoscaling", "cloudwatch"))
        self.began = time.monotonic()
        self.moments: list[Moment] = []
        self._ended = threading.Event()

    @contextmanager
    def filming(self) -> Iterator[None]:
        thread = threading.Thread(target=self._film, daemon=True)
        thread.start()
        yield
        self._ended.set()
        thread.join()

    def _film(self) -> None:
        while not self._ended.wait(0.5):
            self.moments.append(self.look())

    def look(self) -> Moment:
        (group,) = self.autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[GROUP])["AutoScalingGroups"]
        (service,) = self.ecs.describe_services(cluster=CLUSTER, services=[SERVICE])["services"]
        alarms = self.cloudwatch.describe_alarms()["MetricAlarms"]
        return Moment(
            round(time.monotonic() - self.began, 1),
            group["DesiredCapacity"],
            sum(machine["LifecycleState"] == "InService" for machine in group["Instances"]),
            service["desiredCount"],
            service["runningCount"],
            self._demand(),
            ", ".join(sorted(alarm["AlarmName"] for alarm in alarms if alarm["StateValue"] == "ALARM")),
        )

    def _demand(self) -> float:
        now = time.time()
        told = self.cloudwatch.get_metric_statistics(
            Namespace="hyperflow",
            MetricName="Demand",
            Dimensions=[{"Name": "ClusterName", "Value": "hyperflow"}],
            StartTime=now - 10,
            EndTime=now + 1,
            Period=60,
            Statistics=["Sum"],
        )["Datapoints"]
        return max((point["Sum"] for point in told), default=0.0)

    def causes(self) -> list[str]:
        activities = self.autoscaling.describe_scaling_activities(AutoScalingGroupName=GROUP)["Activities"]
        return [activity["Cause"] for activity in activities]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    monkeypatch.setenv("HFECS_LOCAL_TICK", "1")
    monkeypatch.setenv("HFECS_LOCAL_BOOT", "3")
    (tmp_path / "hfecs.toml").write_text(QUICK)
    with project(tmp_path) as made:
        yield made


def waves(ran: Path) -> list[dict[str, Any]]:
    """Two wide waves with one job between them and one at the end; each job writes down that it ran."""

    def job(name: str, seconds: float, ins: list[str], outs: list[str]) -> dict[str, Any]:
        command = f"echo {name} >> {ran}; sleep {seconds}; touch {' '.join(outs)}"
        return {"name": name, "command": command, "ins": ins, "outs": outs}

    first = [job(f"a{number}", 1.0, ["begin"], [f"a{number}.out"]) for number in range(WIDE)]
    middle = job("middle", 2.0, [f"a{number}.out" for number in range(WIDE)], ["half"])
    second = [job(f"b{number}", 1.0, ["half"], [f"b{number}.out"]) for number in range(WIDE)]
    last = job("last", 0.0, [f"b{number}.out" for number in range(WIDE)], ["end"])
    return [*first, middle, *second, last]


def timeline(moments: list[Moment]) -> str:
    """A line for each change."""
    lines, before = [HEAD], ""
    for moment in moments:
        seen = moment.line()[6:]
        if seen != before:
            lines.append(moment.line())
        before = seen
    return "\n".join(lines)


def test_workers_go_from_none_to_the_most_and_back_by_alarms_alone_and_no_job_runs_twice(
    here: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ran = tmp_path / "ran"
    workflow = here.write_workflow("waves", waves(ran), {"begin": "light"})
    here.done("--local", "cluster", "up")
    camera = Camera(here.folder)
    beginning = camera.look()

    with camera.filming():
        here.done("--local", "run", workflow, "--bucket", "waves-run")
        wait_until(lambda: camera.look().machines == 0, what="the machines to go", seconds=120)
        wait_until(lambda: camera.look().workers_wanted == 0, what="the workers to go", seconds=60)

    with capsys.disabled():
        sys.stdout.write(f"\n{timeline(camera.moments)}\n")
    assert (beginning.machines, beginning.machines_wanted, beginning.workers) == (0, 0, 0)
    assert max(moment.machines for moment in camera.moments) == MOST
    assert max(moment.workers for moment in camera.moments) == MOST
    assert max(moment.machines_wanted for moment in camera.moments) == MOST
    assert Counter(ran.read_text().split()) == {job["name"]: 1 for job in waves(ran)}
    assert camera.causes()
    assert all("a monitor alarm" in cause for cause in camera.causes())
