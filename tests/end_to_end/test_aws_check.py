"""scripts/aws-check on the local cloud: the first hour in a minute, and nothing stays whatever happens."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from end_to_end.project import ROOT, project, wait_until

pytestmark = pytest.mark.end_to_end

SCRIPT = ROOT / "scripts/aws-check"


@contextmanager
def checking(folder: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    """The script in a folder, which has its output in `said`; its temporary files are in the folder, too."""
    environ = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "HFECS_"))}
    with (folder / "said").open("w") as said:
        process = subprocess.Popen(
            [SCRIPT, "--local", "--output", "check.json", *options],
            cwd=folder,
            stdout=said,
            stderr=said,
            text=True,
            env=environ | {"TMPDIR": str(folder), "PYTHONPATH": str(ROOT / "src")},
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait()


def seen(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "check.json").read_text())
    return found


def steps(check: dict[str, Any]) -> list[tuple[str, int | None]]:
    return [(step["name"], step["exit_code"]) for step in check["steps"]]


def gone(check: dict[str, Any]) -> Sequence[tuple[str, int | None]]:
    """The last steps, by which everything is destroyed and looked for."""
    return steps(check)[-3:]


GONE = [("destroy, try 1", 0), ("look whether anything is left", 0), ("stop the local cloud", 0)]


def test_the_first_hour_passes_and_is_written_down(tmp_path: Path) -> None:
    with checking(tmp_path) as process:
        assert process.wait(300) == 0, (tmp_path / "said").read_text()

    check = seen(tmp_path)
    assert check["result"] == "passed"
    assert {code for _, code in steps(check)} == {0}
    assert gone(check) == GONE
    times = [check["master"][name] for name in ("launched", "registeredAt", "pullStartedAt", "startedAt")]
    assert times == sorted(times)
    for run in (check["first_run"], check["second_run"]):
        assert run["done"] == run["jobs"] == 20
        assert sum(run["what_set_the_time"].values()) == pytest.approx(run["makespan"], rel=0.01)
        assert {machine["type"] for machine in run["machines"]} == {"t2.micro"}
    assert not re.search(r"\b\d{12}\b", json.dumps(check))


def test_after_a_step_that_fails_everything_is_destroyed_all_the_same(tmp_path: Path) -> None:
    with checking(tmp_path, "--instance-type", "t9.none") as process:
        assert process.wait(120) == 1

    check = seen(tmp_path)
    failed = check["steps"][1]
    assert (check["result"], failed["name"], failed["exit_code"]) == ("failed", "cluster up", 2)
    assert "t9.none" in failed["said"]
    assert gone(check) == GONE


@pytest.mark.reliability
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_in_the_middle_of_a_run_leaves_nothing(tmp_path: Path, number: signal.Signals) -> None:
    with checking(tmp_path) as process:
        wait_until(lambda: "first run" in (tmp_path / "said").read_text(), what="the first run")
        process.send_signal(number)
        assert process.wait(200) == 1

    check = seen(tmp_path)
    assert check["result"] == "interrupted"
    assert gone(check) == GONE


@pytest.mark.reliability
def test_when_the_time_is_up_everything_is_destroyed(tmp_path: Path) -> None:
    with checking(tmp_path, "--max-minutes", "0.2") as process:
        assert process.wait(200) == 1

    assert seen(tmp_path)["result"] == "out of time"
    assert gone(seen(tmp_path)) == GONE


def test_a_budget_that_could_be_exceeded_and_money_that_nobody_allowed_are_refused_before_anything(
    tmp_path: Path,
) -> None:
    def refused(*options: str) -> str:
        ended = subprocess.run(
            [SCRIPT, *options], cwd=tmp_path, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
        )
        assert ended.returncode == 1
        return ended.stderr

    assert "may cost" in refused("--instance-type", "m5.4xlarge")
    assert "is unknown" in refused("--instance-type", "z9.large")
    assert "Nothing was done" in refused()
    assert list(tmp_path.iterdir()) == []


def test_the_commands_of_the_page_work_as_they_are_written(tmp_path: Path) -> None:
    page = (ROOT / "docs/first-hour.md").read_text()
    block = re.search(r"```console\n(.*?)```", page, re.DOTALL)
    assert block
    typed = [line.replace("BUCKET", "first-hour-files").split()[1:] for line in block[1].splitlines()]
    commands = [words for words in typed if "images" not in words]  # the local cloud needs none

    with project(tmp_path) as here:
        for words in commands:
            agreed = ["--yes"] if "destroy" in words else []
            here.done("--local", *words, *agreed)

    assert len(commands) == len(typed) - 2 == 8
