"""Runs that share a bucket: files of the same names, at the same time, with other contents."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from end_to_end.project import Project, project, wait_until

pytestmark = pytest.mark.end_to_end

BUCKET = "shared-by-two"


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Project]:
    (tmp_path / "hfecs.toml").write_text("[scaling]\nasg_desired = 1\n[worker]\nthreads = 2\n[run]\nretries = 0\n")
    with project(tmp_path) as made:
        made.done("--local", "cluster", "up")
        yield made


def waiting(here: Project, name: str) -> str:
    """A workflow whose first job waits for a file, and whose second reads an input and the result of the first."""
    flag, started = here.folder / f"go-{name}", here.folder / f"started-{name}"
    first = f"touch {started}; until test -e {flag}; do sleep 0.1; done; cp begin middle"
    jobs = [
        {"name": "first", "command": first, "ins": ["begin"], "outs": ["middle"]},
        {"name": "second", "command": "cat middle data > end", "ins": ["middle", "data"], "outs": ["end"]},
    ]
    return here.write_workflow(name, jobs, {"begin": f"begin of {name}\n", "data": f"data of {name}\n"})


def test_each_of_two_runs_at_once_has_its_own_inputs_and_outputs(here: Project) -> None:
    a, b = waiting(here, "a"), waiting(here, "b")

    with here.running("--local", "run", a, "--bucket", BUCKET, "--download", "out-a") as first:
        wait_until((here.folder / "started-a").exists, what="the first job of a", seconds=90)
        second = ("--local", "--state", "second.json", "run", b, "--bucket", BUCKET, "--download", "out-b")
        with here.running(*second) as other:
            wait_until((here.folder / "started-b").exists, what="the first job of b", seconds=90)
            for name in "ab":
                (here.folder / f"go-{name}").touch()
            assert [process.wait(90) for process in (first, other)] == [0, 0]

    for name in "ab":
        assert (here.folder / f"out-{name}" / "end").read_text() == f"begin of {name}\ndata of {name}\n"


def test_a_run_that_is_resumed_after_another_has_its_own_files(here: Project) -> None:
    flag = here.folder / "fail"
    jobs = [
        {"name": "first", "command": "cp begin middle", "ins": ["begin"], "outs": ["middle"]},
        {"name": "second", "command": f"test ! -e {flag} && cat middle > end", "ins": ["middle"], "outs": ["end"]},
    ]
    flag.touch()
    a, b = (here.write_workflow(name, jobs, {"begin": name}) for name in "ab")

    failed = here.hfecs("--local", "run", a, "--bucket", BUCKET)
    run = failed.stderr.split("--resume ")[1].split()[0]
    flag.unlink()
    here.done("--local", "run", b, "--bucket", BUCKET, "--download", "out-b")
    here.done("--local", "run", "--resume", run, "--download", "out-a")

    assert [(here.folder / f"out-{name}" / "end").read_text() for name in "ab"] == ["a", "b"]


def test_a_workflow_with_its_data_beside_it_runs_from_where_it_lies(here: Project) -> None:
    copy = {"name": "copy", "command": "cat begin > end", "ins": ["begin"], "outs": ["end"]}
    here.write_workflow("job", [copy], {"begin": "light"})
    there = here.folder / "repository"
    there.mkdir()
    (here.folder / "job" / "workdir" / "dag.json").rename(there / "workflow.json")
    (there / "begin").write_text("from beside it")

    arguments = ("--local", "run", "repository", "--inputs", "repository", "--bucket", BUCKET, "--download", "out")

    assert "succeeded" in here.done(*arguments)
    assert (here.folder / "out" / "end").read_text() == "from beside it"
