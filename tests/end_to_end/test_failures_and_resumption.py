"""Runs that fail or are lost, and go on: the real broker, engine and executor."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from end_to_end.broker import private_broker
from end_to_end.sites import Site, chain, eventually, process

pytestmark = [pytest.mark.end_to_end, pytest.mark.reliability]

SECONDS = 60.0

RAN = 'echo "$0" >> $SITE/ran'
"""Every job tells that it ran; its name is its first argument."""

WAITING = "touch $SITE/begun; while [ ! -e $SITE/go ]; do sleep 0.05; done"


def steps(*commands: str) -> dict[str, Any]:
    """A chain of jobs that tell when they run."""
    dag = chain(*[f"{RAN}; {command}" for command in commands])
    for job in dag["processes"]:
        job["config"]["executor"]["args"].append(job["name"])
    return dag


def ran(site: Site) -> list[str]:
    return (site.directory / "ran").read_text().split()


def journal(site: Site, run: str) -> list[Any]:
    key = f"runs/{run}/journal.jsonl.gz"
    if key not in site.objects():
        return []
    body = site.s3.get_object(Bucket=site.bucket, Key=key)["Body"].read()
    return [json.loads(line) for line in gzip.decompress(body).splitlines()]


def kept(site: Site, run: str) -> list[tuple[str, int]]:
    """What the bucket knows of each process."""
    entries = [entry for entry in journal(site, run) if entry[0] != "replies"]
    return [(entry[0], int(entry[2] if entry[0] == "fired" else entry[1])) for entry in entries]


def test_what_does_not_depend_on_a_failed_job_is_finished_if_the_run_keeps_going(site: Site) -> None:
    dag = chain("sleep 1; cp file_0 file_1", "cp file_1 file_2")
    dag["processes"] += [process("breaks", "exit 3", [0], [3]), process("behind", "true", [3], [4])]
    dag["processes"].append(process("behind both", "true", [2, 4], [5]))
    dag["signals"] += [{"name": f"file_{number}"} for number in (3, 4, 5)]
    site.upload(dag, file_0="abc")

    with site.executor():
        exit_code = site.run("going", KEEP_GOING="true", RETRIES="0")

    result = site.result("going")
    (failed,) = result["failed"]
    assert (exit_code, result["status"], result["done"], result["never_ran"]) == (1, "failed", 2, 2)
    assert (failed["name"], failed["never_ran"]) == ("breaks", 2)
    assert site.read("input/file_2") == "abc"


def test_jobs_that_run_when_their_run_fails_are_ended(site: Site) -> None:
    dag = chain("sleep 1; exit 3")
    dag["processes"].append(process("long", "touch $SITE/begun; sleep 600 & echo $! > $SITE/pid; wait", [0], [2]))
    dag["signals"].append({"name": "file_2"})
    site.upload(dag, file_0="abc")

    with site.executor(SITE=str(site.directory)):
        exit_code = site.run("fast", RETRIES="0")

        eventually(lambda: not Path("/proc", (site.directory / "pid").read_text().strip()).exists())

    assert exit_code == 1
    assert "ended job fast-2: its engine is gone" in site.log("worker")
    assert site.result("fast")["never_ran"] == 1


def test_a_run_whose_engine_was_killed_goes_on_and_no_job_runs_twice(site: Site) -> None:
    site.upload(steps("cp file_0 file_1", f"{WAITING}; cp file_1 file_2", "cp file_2 file_3"), file_0="abc")
    with site.executor(SITE=str(site.directory)):
        with site.engine("lost") as engine:
            eventually(lambda: kept(site, "lost") == [("sent", 1), ("fired", 1), ("sent", 2)])
            engine.kill()
        (site.directory / "go").touch()

        exit_code = site.run("lost", ATTEMPT="2")

    assert exit_code == 0, site.log("engine")
    assert ran(site) == ["job_1", "job_2", "job_3"]
    assert site.read("input/file_3") == "abc"
    result = site.result("lost")
    assert (result["status"], result["attempt"], result["done"]) == ("succeeded", 2, 3)


def test_replies_that_came_while_no_engine_was_there_are_not_lost(site: Site) -> None:
    site.upload(steps(f"{WAITING}; cp file_0 file_1", "cp file_1 file_2"), file_0="abc")
    with site.executor(SITE=str(site.directory)) as executor:
        with site.engine("away") as engine:
            eventually(lambda: kept(site, "away") == [("sent", 1)])
            engine.kill()
        (site.directory / "go").touch()
        executor.terminate()
        executor.wait(SECONDS)

    with site.executor(SITE=str(site.directory)):
        exit_code = site.run("away", ATTEMPT="2")

    assert (exit_code, ran(site)) == (0, ["job_1", "job_2"])


def test_a_lost_tail_of_the_journal_is_told_again_by_the_broker(site: Site) -> None:
    site.upload(steps("cp file_0 file_1", f"{WAITING}; cp file_1 file_2"), file_0="abc")
    (site.directory / "go").touch()
    with site.executor(SITE=str(site.directory)):
        with site.engine("tail") as engine:
            eventually((site.directory / "begun").exists)
            engine.kill()
        lines = kept(site, "tail")

        exit_code = site.run("tail", ATTEMPT="2")

    assert lines == []
    assert exit_code == 0
    assert sorted(set(ran(site))) == ["job_1", "job_2"]


def test_a_failed_run_goes_on_when_its_cause_is_gone(site: Site) -> None:
    site.upload(steps("cp file_0 file_1", "cp $SITE/late file_2", "cp file_2 file_3"), file_0="abc")
    with site.executor(SITE=str(site.directory)):
        first = site.run("mended", RETRIES="0")
        (site.directory / "late").write_text("mended")

        second = site.run("mended", ATTEMPT="2")

    assert (first, second) == (1, 0)
    assert ran(site)[0] == "job_1"
    assert ran(site).count("job_1") == 1
    assert site.read("input/file_3") == "mended"
    assert site.result("mended")["failed"] == []


def test_a_job_whose_output_is_gone_runs_again(site: Site) -> None:
    site.upload(steps("cp file_0 file_1", "cp file_1 file_2", "cp $SITE/late file_3"), file_0="abc")
    with site.executor(SITE=str(site.directory)):
        site.run("gone", RETRIES="0")
        (site.directory / "late").write_text("late")
        site.s3.delete_object(Bucket=site.bucket, Key="input/file_2")

        exit_code = site.run("gone", ATTEMPT="2")

    assert exit_code == 0
    assert (ran(site).count("job_1"), ran(site).count("job_2")) == (1, 2)
    assert site.read("input/file_2") == "abc"
    assert "the files of job job_2 are gone, it runs again" in site.log("engine")


def test_a_run_goes_on_with_its_own_workflow_though_another_lies_in_the_bucket(site: Site) -> None:
    site.upload(steps("cp file_0 file_1", "cp $SITE/late file_2"), file_0="abc")
    with site.executor(SITE=str(site.directory)):
        site.run("own", RETRIES="0")
        (site.directory / "late").write_text("late")
        site.upload(chain("echo other > file_1"))

        exit_code = site.run("own", ATTEMPT="2")

    assert exit_code == 0
    assert site.result("own")["jobs"] == 2


def test_jobs_that_a_stopped_run_left_in_the_queue_do_not_run_beside_their_successors(site: Site) -> None:
    site.upload(steps("cp file_0 file_1", "cp file_1 file_2"), file_0="abc")
    queue = "left-by-the-stopped"
    with site.engine("stopped", AMQP_QUEUE=queue) as engine:
        eventually(lambda: kept(site, "stopped") == [("sent", 1)])
        engine.terminate()
        engine.wait(SECONDS)

    with site.engine("stopped", AMQP_QUEUE=queue, ATTEMPT="2") as engine:
        eventually(lambda: kept(site, "stopped") == [("sent", 1), ("sent", 1)])
        with site.executor(SITE=str(site.directory), AMQP_QUEUE=queue):
            exit_code = engine.wait(SECONDS)

    assert (exit_code, ran(site)) == (0, ["job_1", "job_2"])
    assert "dropped job stopped-1: its engine is gone" in site.log("worker")


def test_a_run_goes_on_at_a_new_broker_that_knows_nothing_of_its_jobs(site: Site, tmp_path: Path) -> None:
    site.upload(steps("cp file_0 file_1", f"{WAITING}; cp file_1 file_2"), file_0="abc")
    with site.executor(SITE=str(site.directory)), site.engine("moved") as engine:
        eventually(lambda: kept(site, "moved") == [("sent", 1), ("fired", 1), ("sent", 2)])
        engine.kill()
    (site.directory / "go").touch()

    with private_broker() as broker:
        site.broker_url = broker.url
        with site.executor(SITE=str(site.directory)):
            exit_code = site.run("moved", ATTEMPT="2")

    assert exit_code == 0
    assert ran(site).count("job_1") == 1
    assert site.read("input/file_2") == "abc"
