"""Runs at once, and one right after the other, where a machine has room for two engines: none ends with another."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from end_to_end.project import Project, project, wait_until

pytestmark = pytest.mark.end_to_end

# A machine takes three seconds to boot, and that of an engine that has ended is there for four more; jobs take longer.
SETTINGS = """
[cluster]
instance_type = "t2.small"
[worker]
threads = 4
[scaling]
asg_max = 1
[run]
retries = 0
"""
LINGER_SECONDS = 4
JOB_SECONDS = 8


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    folder: Path = tmp_path_factory.mktemp("each")
    (folder / "hfecs.toml").write_text(SETTINGS)
    with pytest.MonkeyPatch.context() as patch, project(folder) as made:
        patch.setenv("HFECS_LOCAL_BOOT", "3")
        patch.setenv("HFECS_LOCAL_LINGER", str(LINGER_SECONDS))
        made.done("--local", "cluster", "up")
        yield made


def workflow(here: Project, name: str, command: str = "true") -> str:
    """A workflow of one job, which takes its time."""
    job = f"{command} && sleep {JOB_SECONDS} && cp begin {name}"
    return here.write_workflow(
        name, [{"name": "takes", "command": job, "ins": ["begin"], "outs": [name]}], {"begin": "light"}
    )


def test_a_run_right_after_another_and_a_resumption_right_after_a_failure_succeed(here: Project) -> None:
    here.done("--local", "run", workflow(here, "first"), "--bucket", "first-run")
    here.done("--local", "run", workflow(here, "second"), "--bucket", "second-run")
    failed = here.hfecs("--local", "run", workflow(here, "third", f"test -e {here.folder}/mended"), "--bucket", "third")
    (here.folder / "mended").touch()

    resumed = here.done("--local", "run", "--resume", here.status()["run"])

    assert failed.returncode == 1
    assert "(attempt 2) succeeded: 1 of 1 jobs" in resumed


def test_of_two_runs_at_once_none_ends_with_the_other(here: Project) -> None:
    early, late = workflow(here, "early"), workflow(here, "late")

    with here.running("--local", "run", early, "--bucket", "early-run") as first:
        wait_until(lambda: _engines(here) == 1, what="the first engine to run")
        with here.running("--local", "--state", "second.json", "run", late, "--bucket", "late-run") as second:
            said, _ = first.communicate(timeout=120)
            told, _ = second.communicate(timeout=120)

    assert first.returncode == 0, said
    assert second.returncode == 0, told


def _engines(here: Project) -> int:
    """How many engines run; those of earlier runs have ended."""
    return sum("engine" in what for what in here.processes())
