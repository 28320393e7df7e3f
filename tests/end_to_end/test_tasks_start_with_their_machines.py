"""With ECS's patience on the scale of the boot time, tasks start when their machine is there, not minutes later.

Times are those of AWS, divided by ten: a machine takes 75 s to boot, and a service whose tasks find none for 50 s is
tried again after 5 minutes.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from end_to_end.project import Project, project, wait_until
from end_to_end.test_autoscaling import Camera

pytestmark = [pytest.mark.end_to_end, pytest.mark.reliability]

FACTOR = 10
BOOT = 75 / FACTOR
PATIENCE = 50 / FACTOR
# Programs take their time here too: starting RabbitMQ, an engine or a worker is not divided by ten.
PROGRAMS = 12.0
JOB_SECONDS = 4

SETTINGS = """
[cluster]
instance_type = "t2.small"
[worker]
threads = 1
[scaling]
asg_max = 5
boot_seconds = 15
instance_cooldown = 6
worker_cooldown = 6
"""


@contextmanager
def slow(folder: Path, settings: str) -> Iterator[Project]:
    """A project on a local cloud with these times."""
    folder.mkdir()
    (folder / "hfecs.toml").write_text(SETTINGS + settings)
    with pytest.MonkeyPatch.context() as patch, project(folder) as made:
        patch.setenv("HFECS_LOCAL_BOOT", str(BOOT))
        patch.setenv("HFECS_LOCAL_PATIENCE", str(PATIENCE))
        patch.setenv("HFECS_LOCAL_TICK", "1")
        yield made


def workflow(here: Project, name: str, jobs: int) -> str:
    """Jobs beside each other; each writes down when it began."""
    processes: list[dict[str, Any]] = [
        {
            "name": f"job{number}",
            "command": f"date +%s.%N >> {here.folder}/{name}.began; sleep {JOB_SECONDS}; touch out{number}",
            "ins": ["begin"],
            "outs": [f"out{number}"],
        }
        for number in range(jobs)
    ]
    return here.write_workflow(name, processes, {"begin": "light"})


def began(here: Project, name: str) -> list[float]:
    """When the jobs began, in order."""
    return sorted(map(float, (here.folder / f"{name}.began").read_text().split()))


def most_wanted(camera: Camera) -> int:
    return max(moment.machines_wanted for moment in camera.moments)


def broker_answers(here: Project) -> bool:
    return any("rabbitmq" in what for what in here.processes())


@pytest.mark.parametrize("mode", ["alarms", "capacity-provider"])
def test_broker_and_workers_start_once_their_machines_have_registered(mode: str, tmp_path: Path) -> None:
    with slow(tmp_path / "here", f'instances = "{mode}"\n') as here:
        here.done("--local", "cluster", "up")
        up = time.time()
        wait_until(lambda: broker_answers(here), what="the broker's task", seconds=120)
        broker_after = time.time() - up
        camera = Camera(here.folder)
        two, five = workflow(here, "two", 2), workflow(here, "five", 10)

        with camera.filming():
            first = time.time()
            here.done("--local", "run", two, "--bucket", "first-run")
            from_none = began(here, "two")[0] - first
            asked_for_two = most_wanted(camera)
            second = time.time()
            here.done("--local", "run", five, "--bucket", "second-run")
            from_some = began(here, "five")

    assert broker_after < BOOT + PROGRAMS
    # The run's own machine boots first, and its engine sends the job.
    assert from_none < 2 * BOOT + 2 * PROGRAMS
    assert asked_for_two <= 2
    assert most_wanted(camera) <= 5
    assert from_some[-1] - second < 2 * BOOT + 2 * PROGRAMS + 3 * JOB_SECONDS
    assert max(moment.workers for moment in camera.moments) <= most_wanted(camera)
