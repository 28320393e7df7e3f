"""What is left of runs: listed, shown, compared and drawn, also when their cluster is gone."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from end_to_end.project import Project, project

pytestmark = pytest.mark.end_to_end

BUCKET = "kept-runs"
GOOD = [
    {"name": "first", "command": "sleep 1; cp begin one", "ins": ["begin"], "outs": ["one"]},
    {"name": "second", "command": "echo half way; cp one two", "ins": ["one"], "outs": ["two"]},
]
BAD = [*GOOD[:1], {"name": "second", "command": "echo no star; exit 3", "ins": ["one"], "outs": ["two"]}]


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A run that succeeded and one that failed; their cluster is gone, their bucket is not."""
    folder = tmp_path_factory.mktemp("reports")
    with project(folder) as made:
        made.done("--local", "cluster", "up")
        made.done("--local", "run", made.write_workflow("good", GOOD, {"begin": "light"}), "--bucket", BUCKET)
        failed = made.hfecs("--local", "run", made.write_workflow("bad", BAD, {"begin": "light"}), "--bucket", BUCKET)
        assert failed.returncode == 1
        made.done("--local", "destroy", "--yes")
        yield made


def listed(left: Project) -> list[dict[str, Any]]:
    ended = left.hfecs("--local", "runs", "--bucket", BUCKET, "--json")
    assert ended.returncode == 0, ended.stderr
    found: list[dict[str, Any]] = json.loads(ended.stdout)
    return found


def shown(left: Project, run: str) -> dict[str, Any]:
    ended = left.hfecs("--local", "runs", "show", run, "--bucket", BUCKET, "--json")
    assert ended.returncode == 0, ended.stderr
    found: dict[str, Any] = json.loads(ended.stdout)
    return found


def test_runs_are_listed_with_what_became_of_them(left: Project) -> None:
    newest, oldest = listed(left)

    assert [(run["status"], run["done"], run["jobs"], run["failed"]) for run in (oldest, newest)] == [
        ("succeeded", 2, 2, 0),
        ("failed", 1, 2, 1),
    ]
    assert oldest["seconds"] > 1


def test_a_run_is_shown_with_what_set_its_time_and_what_its_machines_cost(left: Project) -> None:
    told = shown(left, listed(left)[1]["name"])

    assert sum(told["what_set_the_time"].values()) == pytest.approx(told["makespan"], rel=0.01)
    assert told["what_set_the_time"]["programs"] == pytest.approx(1.0, abs=0.5)
    (program,) = told["programs"]
    assert (program["name"], program["jobs"]) == ("sh", 2)
    assert {use["machine"]["type"] for use in told["machines"]} == {"t2.micro"}
    assert 0 < told["cost"] < 0.01
    assert told["facts"]["engine"]


def test_the_report_is_complete_when_the_cluster_is_gone(left: Project) -> None:
    run = listed(left)[1]["name"]

    left.done("--local", "report", run, "--bucket", BUCKET, "-o", "story.html")

    page = (left.folder / "story.html").read_text()
    ids = ["facts", "time", "timeline", "programs", "chain", "slowest", "machines"]
    assert re.findall(r'<section id="(\w+)"', page) == ids
    assert "first #1" in page


def test_the_report_of_a_run_that_failed_says_what_its_job_printed(left: Project) -> None:
    run = listed(left)[0]["name"]

    left.done("--local", "report", run, "--bucket", BUCKET, "-o", "failed.html")

    page = (left.folder / "failed.html").read_text()
    assert "no star" in page
    assert page.index('id="failures"') < page.index('id="time"')


def test_two_runs_are_compared(left: Project) -> None:
    after, before = (run["name"] for run in listed(left))

    said = left.done("--local", "runs", "compare", before, after, "--bucket", BUCKET)

    assert "makespan" in said
    assert "sh, mean" in said


def test_a_run_is_written_for_other_tools_with_its_graph_and_sizes(left: Project) -> None:
    run = listed(left)[1]["name"]

    for kind in ("csv", "trace", "wfformat", "hyperflow"):
        left.done("--local", "export", run, "--bucket", BUCKET, "--format", kind, "-o", f"as.{kind}")

    told = json.loads((left.folder / "as.wfformat").read_text())["workflow"]
    first, second = told["specification"]["tasks"]
    assert (second["parents"], first["outputFiles"], second["inputFiles"]) == ([first["id"]], ["one"], ["one"])
    assert {file["id"]: file["sizeInBytes"] for file in told["specification"]["files"]} == dict.fromkeys(
        ["begin", "one", "two"], 5
    )
    assert [task["runtimeInSeconds"] > 0 for task in told["execution"]["tasks"]] == [True, True]
    assert (left.folder / "as.csv").read_text().count("\n") == 3
    assert {path.name for path in (left.folder / "as.hyperflow").iterdir()} >= {"metrics.jsonl", "sys_info.jsonl"}


def test_a_run_that_nobody_knows_and_a_file_that_cannot_be_written_are_refused(left: Project) -> None:
    unknown = left.hfecs("--local", "report", "20200101-000000-abcd", "--bucket", BUCKET)
    nowhere = left.hfecs("--local", "report", listed(left)[0]["name"], "--bucket", BUCKET, "-o", "no/such/folder.html")

    assert (unknown.returncode, nowhere.returncode) == (2, 2)
    assert "was not found" in unknown.stderr
    assert "cannot be written" in nowhere.stderr
    assert not Path(left.folder, "no").exists()
