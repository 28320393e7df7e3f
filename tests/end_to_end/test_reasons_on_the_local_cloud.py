"""What a person sees when AWS cannot start something: hfecs status and hfecs run say why."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from end_to_end.project import Project, project, wait_until

pytestmark = pytest.mark.end_to_end

QUOTA = "You have requested more vCPU capacity than your current vCPU limit of 5 allows."
NO_KEY = "Client.InternalError: Client error on launch"
NO_IMAGE = "CannotPullContainerError: Error response from daemon: manifest for w:9 not found: manifest unknown"
# Minutes: long enough for the alarm of the local cloud to ask for a machine.
MAX_WAIT = "0.3"

SetFaults = Callable[..., None]


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    folder: Path = tmp_path_factory.mktemp("why")
    with pytest.MonkeyPatch.context() as patch, project(folder) as made:
        patch.setenv("HFECS_LOCAL_BOOT", "0")
        patch.setenv("HFECS_LOCAL_TICK", "1")
        patch.setenv("HFECS_LOCAL_LINGER", "1")
        made.done("--local", "cluster", "up")
        made.write_workflow(
            "job", [{"name": "copy", "command": "cp begin end", "ins": ["begin"], "outs": ["end"]}], {"begin": "light"}
        )
        yield made


@pytest.fixture
def faults(here: Project) -> Iterator[SetFaults]:
    """Sets what fails from now on; at the end of the test nothing does."""
    path = here.folder / ".hfecs" / "faults.json"

    def write(**tables: dict[str, str]) -> None:
        path.write_text(json.dumps(tables))

    yield write
    path.unlink(missing_ok=True)


def test_a_run_that_gets_no_machine_says_why_and_is_given_up(here: Project, faults: SetFaults) -> None:
    faults(launches={"*-workers": f"VcpuLimitExceeded: {QUOTA}"})

    ended = here.hfecs("--local", "run", "job", "--bucket", "why-run", "--max-wait", MAX_WAIT)

    assert ended.returncode == 1
    assert f"worker machines: the account's vCPU quota is used up (AWS: {QUOTA.rstrip('.')})" in ended.stderr
    assert "hint: raise the quota" in ended.stderr
    assert "was given up: it had no worker for" in ended.stderr
    status = here.hfecs("--local", "status").stdout
    assert "What AWS could not start\nworker machines: the account's vCPU quota is used up" in status
    assert "(stopped)" in status


def test_a_run_whose_workers_have_no_image_says_why(here: Project, faults: SetFaults) -> None:
    faults(starts={"hfecs-local/worker*": NO_IMAGE})

    with here.running("--local", "run", "job", "--bucket", "why-run", "--max-wait", "1.5") as run:

        def told() -> list[dict[str, str]]:
            return [one for one in here.status()["reasons"] if NO_IMAGE in one["said"]]

        (reason,) = wait_until(told, what="the reason of the workers in hfecs status")
        assert reason["what"] == "service worker"
        assert reason["sentence"] == "the image or its tag does not exist"
        assert "hfecs images push" in reason["hint"]
        said = run.communicate(timeout=150)[0]

    assert f"service worker: the image or its tag does not exist (AWS: {NO_IMAGE})" in said
    assert run.returncode == 1


def test_the_run_that_was_given_up_is_continued_once_the_cause_is_mended(here: Project) -> None:
    name = here.status()["run"]

    resumed = here.done("--local", "run", "--resume", name)

    assert "succeeded: 1 of 1 jobs" in resumed


def test_a_machine_of_a_run_that_dies_ends_its_start_with_the_reason(here: Project, faults: SetFaults) -> None:
    faults(deaths={"*-runner-*": NO_KEY})
    begun = time.monotonic()

    ended = here.hfecs("--local", "run", "job", "--bucket", "why-run")

    assert ended.returncode == 1
    assert "ended at its launch: the machine's disk is encrypted with a key that cannot be used" in ended.stderr
    assert "AWSServiceRoleForAutoScaling" in ended.stderr
    assert time.monotonic() - begun < 60
    assert NO_KEY in here.hfecs("--local", "status").stdout


def test_up_waits_for_the_broker_and_says_how_long_each_step_took(here: Project) -> None:
    said = here.done("--local", "cluster", "up", "--wait")

    steps = ["machine launched", "in the ECS cluster", "task placed", "images pulled", "containers running"]
    places = [said.index(f"  {step} ") for step in [*steps, "the broker answers"]]
    assert places == sorted(places)


def test_up_ends_with_the_reason_if_the_machine_or_its_task_does_not_come(here: Project, faults: SetFaults) -> None:
    other = ("--local", "--name", "other")
    faults(deaths={"*-other-master": NO_KEY})
    dead = here.hfecs(*other, "cluster", "up", "--wait")
    faults(starts={"rabbitmq*": NO_IMAGE, "*rabbitmq*": NO_IMAGE})
    without_image = here.hfecs(*other, "cluster", "up", "--wait")

    assert (dead.returncode, without_image.returncode) == (1, 1)
    assert "error: machine master (i-" in dead.stderr
    assert "the machine's disk is encrypted with a key that cannot be used" in dead.stderr
    assert "in the ECS cluster after" in without_image.stderr
    assert f"error: service master: the image or its tag does not exist (AWS: {NO_IMAGE})." in without_image.stderr
