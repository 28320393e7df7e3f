"""Runs that fail, are interrupted, are stopped; and two clouds beside each other."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from end_to_end.project import Project, interrupt, project, wait_until

pytestmark = pytest.mark.end_to_end

# Reactions in seconds instead of minutes.
QUICK = "[scaling]\nasg_desired = 1\n"


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A project with a cluster that has a worker."""
    folder = tmp_path_factory.mktemp("runs")
    (folder / "hfecs.toml").write_text(QUICK)
    with project(folder) as made:
        made.done("--local", "cluster", "up")
        yield made


def test_a_failed_job_fails_the_run_and_is_named_with_its_stderr(here: Project) -> None:
    jobs = [
        {"name": "first", "command": "cp begin one", "ins": ["begin"], "outs": ["one"]},
        {"name": "breaks", "command": "echo no such star >&2; exit 7", "ins": ["one"], "outs": ["two"]},
        {"name": "behind", "command": "cp two three", "ins": ["two"], "outs": ["three"]},
    ]
    workflow = here.write_workflow("failing", jobs, {"begin": "light"})

    ended = here.hfecs("--local", "run", workflow, "--bucket", "failing-run")

    assert ended.returncode == 1
    assert "breaks" in ended.stderr
    assert "exit code 7" in ended.stderr
    assert "no such star" in ended.stderr
    log = here.done("--local", "logs", "worker")
    assert "behind" not in log


def test_a_run_goes_on_after_ctrl_c_and_can_be_followed_again(here: Project) -> None:
    jobs = [
        {"name": "slow", "command": "sleep 6; cp begin one", "ins": ["begin"], "outs": ["one"]},
        {"name": "last", "command": "cp one two", "ins": ["one"], "outs": ["two"]},
    ]
    workflow = here.write_workflow("slow", jobs, {"begin": "light"})

    with here.running("--local", "run", workflow, "--bucket", "slow-run") as process:
        wait_until(lambda: here.status()["run"] and _engine_runs(here), what="the engine to run")
        said = interrupt(process)

    assert process.returncode == 130
    assert "is still running" in said
    attached = here.done("--local", "run", "--attach", "--download", "fetched")
    assert "2 of 2 jobs" in attached
    assert (here.folder / "fetched" / "two").read_text() == "light"


def test_a_run_can_be_stopped_from_another_terminal(here: Project) -> None:
    jobs = [{"name": "endless", "command": "sleep 600; cp begin one", "ins": ["begin"], "outs": ["one"]}]
    workflow = here.write_workflow("endless", jobs, {"begin": "light"})

    with here.running("--local", "run", workflow, "--bucket", "endless-run") as process:
        wait_until(lambda: _engine_runs(here), what="the engine to run")
        assert "stopped" in here.done("--local", "run", "--stop")
        said, _ = process.communicate(timeout=60)

    assert process.returncode == 1
    assert "stopped" in said
    wait_until(lambda: not _runners(here), what="the runner to end itself", seconds=90)


def test_a_faulty_job_directory_is_refused_before_anything_is_made(here: Project) -> None:
    jobs = [
        {"name": "reads", "command": "true", "ins": ["missing"], "outs": ["one"]},
        {"name": "writes", "command": "true", "ins": ["one"], "outs": ["../outside"]},
    ]
    workflow = here.write_workflow("faulty", jobs, {})
    before = _runners(here)

    ended = here.hfecs("--local", "run", workflow, "--bucket", "faulty-run")

    assert ended.returncode == 2
    assert "missing" in ended.stderr
    assert "../outside" in ended.stderr
    assert set(_runners(here)) <= set(before)


def test_two_clouds_run_beside_each_other(here: Project, tmp_path: Path) -> None:
    with project(tmp_path) as other:
        other.done("--local", "cluster", "up")

        first, second = (one.status()["machines"][0]["address"] for one in (here, other))

        assert first != second
        other.done("--local", "destroy", "--yes")
        assert here.status()["machines"] != []


def test_nothing_listens_beyond_the_loopback_addresses(here: Project) -> None:
    listening = subprocess.run(["ss", "-ltnpH"], capture_output=True, text=True, check=True).stdout.splitlines()

    ours = [line for line in listening if any(word in line for word in ("beam", "epmd", "redis", "python"))]

    assert ours != []
    assert [line for line in ours if not line.split()[3].startswith(("127.", "[::ffff:127.", "[::1]"))] == []


def _runners(here: Project) -> list[str]:
    return [machine["id"] for machine in here.status()["machines"] if machine["name"].startswith("runner")]


def _engine_runs(here: Project) -> bool:
    return any("engine" in what for what in here.processes())
