"""scaling.instances = "capacity-provider" with real parts: machines come because of tasks, and go when idle."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from end_to_end.project import Project, project, wait_until

pytestmark = [pytest.mark.end_to_end, pytest.mark.reliability]

WORKERS, CLUSTER = "hfecs-hyperflow-workers", "hfecs-hyperflow-cluster"
JOBS = 12
# Machines boot for a second, alarms look every second; an idle machine goes after three, on AWS after 15 minutes.
QUICK = """
[worker]
threads = 2
[scaling]
instances = "{instances}"
asg_min = {least}
asg_desired = {least}
asg_max = 3
boot_seconds = 2
instance_cooldown = 3
worker_cooldown = 3
idle_periods = 1
[cluster]
idle_minutes = {idle_minutes}
max_hours = {max_hours}
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    for name, seconds in {"TICK": "1", "BOOT": "1", "SCALE_IN": "3"}.items():
        monkeypatch.setenv(f"HFECS_LOCAL_{name}", seconds)
    with project(tmp_path) as made:
        yield made


def up(here: Project, **changes: Any) -> str:
    settings = {"instances": "capacity-provider", "least": 0, "idle_minutes": 0, "max_hours": 12, **changes}
    (here.folder / "hfecs.toml").write_text(QUICK.format(**settings))
    return here.done("--local", "cluster", "up", "--yes")


class Eye:
    """Looks at the group and its provider, through the API as anybody could."""

    def __init__(self, here: Project) -> None:
        endpoint = json.loads((here.folder / ".hfecs" / "cloud.json").read_text())["endpoint_url"]
        session = boto3.session.Session("local", "local", region_name="us-east-1")
        self.ecs = session.client("ecs", endpoint_url=endpoint)
        self.autoscaling = session.client("autoscaling", endpoint_url=endpoint)

    def groups(self) -> list[Any]:
        return list(self.autoscaling.describe_auto_scaling_groups()["AutoScalingGroups"])

    def machines(self) -> int:
        return len(self.groups()[0]["Instances"])

    def policies(self) -> list[Any]:
        return list(self.autoscaling.describe_policies()["ScalingPolicies"])

    def causes(self) -> list[str]:
        activities = self.autoscaling.describe_scaling_activities(AutoScalingGroupName=WORKERS)["Activities"]
        return [activity["Cause"] for activity in activities]

    def providers(self) -> list[Any]:
        return list(self.ecs.describe_capacity_providers(capacityProviders=[WORKERS])["capacityProviders"])


def jobs(ran: Path) -> list[dict[str, Any]]:
    """Some jobs side by side, and one at the end; each writes down that it ran."""
    wide = [
        {
            "name": f"a{n}",
            "command": f"echo a{n} >> {ran}; sleep 1; touch a{n}.out",
            "ins": ["begin"],
            "outs": [f"a{n}.out"],
        }
        for n in range(JOBS)
    ]
    last = {"name": "last", "command": f"echo last >> {ran}; touch end", "ins": [f"a{n}.out" for n in range(JOBS)]}
    return [*wide, {**last, "outs": ["end"]}]


def test_machines_come_because_of_tasks_go_when_idle_and_destroy_leaves_nothing(here: Project, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    workflow = here.write_workflow("wide", jobs(ran), {"begin": "light"})
    up(here)
    eye = Eye(here)
    assert (eye.machines(), eye.policies()) == (0, [])
    assert re.search(r": 0 created, \d+ unchanged", up(here))

    here.done("--local", "run", workflow, "--bucket", "wide-run")

    assert Counter(ran.read_text().split()) == {job["name"]: 1 for job in jobs(ran)}
    wait_until(lambda: eye.machines() == 0, what="the machines to go", seconds=120)
    assert eye.causes()
    assert all("the managed scaling of capacity provider" in cause for cause in eye.causes())
    (here.folder / "hfecs.local.state.json").unlink()
    here.done("--local", "destroy", "--yes")
    assert (eye.groups(), eye.providers(), here.processes()) == ([], [], ["daemon"])


def test_turning_to_alarms_and_back_gives_each_its_own(here: Project) -> None:
    up(here, least=1)
    eye = Eye(here)
    wait_until(lambda: here.status()["services"][-1]["running"] == 1, what="the worker")

    up(here, least=1, instances="alarms")
    assert (len(eye.policies()), eye.providers()) == (2, [])
    wait_until(lambda: here.status()["services"][-1]["running"] == 1, what="the worker")

    up(here, least=1)
    assert (eye.policies(), len(eye.providers())) == ([], 1)
    wait_until(lambda: here.status()["services"][-1]["running"] == 1, what="the worker")


@pytest.mark.parametrize("limit", [{"idle_minutes": 0.2}, {"max_hours": 0.02}], ids=["idle", "its time over"])
def test_the_switch_ends_machines_that_the_provider_protects(here: Project, limit: dict[str, float]) -> None:
    up(here, least=1, **limit)
    eye = Eye(here)
    wait_until(lambda: any(one["ProtectedFromScaleIn"] for one in eye.groups()[0]["Instances"]), what="a machine")

    wait_until(lambda: here.processes() == ["daemon"], what="all machines to end", seconds=180)

    assert eye.machines() == 0
