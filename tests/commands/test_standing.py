"""Commands that look at a cluster that stands, and leave it as it is: all of them at the same one."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from commands.conftest import Hfecs
from hfecs.aws.clients import Cloud
from support import write_job

pytestmark = pytest.mark.usefixtures("lasting")


def test_a_second_up_says_that_nothing_was_to_do(lasting: Path, hfecs: Hfecs) -> None:
    answer = hfecs("cluster", "up")

    assert answer.code == 0
    assert re.search(r"Cluster hyperflow: 0 created, \d+ unchanged", answer.talk)
    assert "\n+" not in answer.talk


def test_verbose_shows_also_what_is_unchanged(lasting: Path, hfecs: Hfecs) -> None:
    answer = hfecs("--verbose", "cluster", "up")

    assert "= instance master" in answer.talk


def test_a_plan_after_up_has_nothing_to_do(lasting: Path, hfecs: Hfecs) -> None:
    answer = hfecs("plan")

    assert answer.code == 0
    assert re.search(r"Plan for cluster hyperflow: 0 to create, \d+ unchanged", answer.data)


def test_the_status_is_data_for_machines(lasting: Path, hfecs: Hfecs) -> None:
    answer = hfecs("status", "--json")

    known = json.loads(answer.data)
    assert answer.code == 0
    assert (known["cluster"], known["region"]) == ("hyperflow", "us-east-1")
    assert [machine["name"] for machine in known["machines"]] == ["master"]
    assert len(known["alarms"]) == 2


def test_the_status_is_tables_for_people(lasting: Path, hfecs: Hfecs) -> None:
    answer = hfecs("status")

    assert answer.talk == ""
    assert all(title in answer.data for title in ("Machines", "Services", "Alarms", "Queue"))
    assert "jobs-wait" in answer.data


def test_the_console_of_a_machine_is_shown_and_a_machine_must_be_named(lasting: Path, hfecs: Hfecs) -> None:
    shown, unnamed, misplaced = (
        hfecs("logs", "machine", "master"),
        hfecs("logs", "machine"),
        hfecs("logs", "worker", "x"),
    )

    assert shown.code == 0
    assert "Linux version" in shown.data  # moto's console
    assert (unnamed.code, misplaced.code) == (2, 2)
    assert "hfecs status shows them" in unnamed.talk


@pytest.mark.parametrize("command", [["destroy"], ["cluster", "down"]], ids=" ".join)
def test_a_removal_that_nobody_confirmed_removes_nothing(
    lasting: Path, hfecs: Hfecs, server: Cloud, command: list[str]
) -> None:
    answer = hfecs(*command)

    assert answer.code == 3
    assert "Nothing was deleted" in answer.talk
    assert "hint: answer y, or repeat with --yes" in answer.talk
    assert len(server.autoscaling.describe_auto_scaling_groups()["AutoScalingGroups"]) == 1


def test_a_state_file_of_another_region_is_refused(
    lasting: Path, hfecs: Hfecs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-west-1")

    answer = hfecs("cluster", "up")

    assert answer.code == 2
    assert "belongs to region us-east-1" in answer.talk


def test_a_run_checks_its_job_directory_before_anything_is_made(lasting: Path, hfecs: Hfecs, server: Cloud) -> None:
    job = write_job(lasting / "job")
    (job / "input/a.txt").unlink()

    answer = hfecs("run", str(job), "--bucket", "mosaics")

    assert answer.code == 2
    assert "a.txt" in answer.talk
    assert server.s3.list_buckets()["Buckets"] == []


def test_a_run_without_a_bucket_says_how_to_name_one(lasting: Path, hfecs: Hfecs) -> None:
    answer = hfecs("run", str(write_job(lasting / "job")))

    assert answer.code == 2
    assert "hint: name a new one or that of an earlier run: --bucket NAME" in answer.talk


@pytest.mark.parametrize("option", ["--attach", "--stop"])
def test_a_run_that_is_not_there_cannot_be_attached_to_or_stopped(lasting: Path, hfecs: Hfecs, option: str) -> None:
    answer = hfecs("run", option)

    assert answer.code == 2
    assert "No run was found in cluster hyperflow." in answer.talk


@pytest.fixture
def over(lasting: Path, server: Cloud) -> Iterator[tuple[str, ...]]:
    """How to name a run that is over and of which only its bucket knows."""
    result = {"status": "succeeded", "attempt": 1, "jobs": 1, "done": 1, "failed": []}
    server.s3.create_bucket(Bucket="terraform-3344")
    for name, document in {"run": {"attempt": 1}, "result": result}.items():
        server.s3.put_object(Bucket="terraform-3344", Key=f"runs/one/{name}.json", Body=json.dumps(document))
    yield "--run", "one", "--bucket", "terraform-3344"
    for name in ("run", "result"):
        server.s3.delete_object(Bucket="terraform-3344", Key=f"runs/one/{name}.json")
    server.s3.delete_bucket(Bucket="terraform-3344")


def test_a_run_that_is_over_is_not_stopped(over: tuple[str, ...], hfecs: Hfecs) -> None:
    answer = hfecs("run", "--stop", *over)

    assert (answer.code, answer.talk) == (0, "Run one has already ended: succeeded.\n")


def test_a_run_that_is_over_is_shown_by_its_result_alone(over: tuple[str, ...], hfecs: Hfecs) -> None:
    answer = hfecs("run", "--attach", *over)

    assert (answer.code, answer.talk) == (0, "Run one succeeded: 1 of 1 jobs.\n")


def test_a_part_without_a_line_is_said_to_have_none(lasting: Path, hfecs: Hfecs) -> None:
    answer = hfecs("logs", "telegraf", "--since", "5")

    assert (answer.code, answer.data, answer.talk) == (0, "", "No output of telegraf in the last 5 minutes\n")


def test_logs_are_data(lasting: Path, hfecs: Hfecs, server: Cloud) -> None:
    server.logs.create_log_stream(logGroupName="/hfecs/hyperflow", logStreamName="worker/worker/abcdef")
    event = {"timestamp": int(time.time() * 1000), "message": "job started"}
    server.logs.put_log_events(
        logGroupName="/hfecs/hyperflow",
        logStreamName="worker/worker/abcdef",
        logEvents=[event],  # type: ignore[list-item]
    )

    answer = hfecs("logs", "worker")

    assert answer.code == 0
    assert answer.data.endswith(" worker/abcdef job started\n")
