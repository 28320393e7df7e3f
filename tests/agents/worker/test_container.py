"""Jobs in containers of their own: a program that stands for Docker runs their commands."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path

import pytest

from agents.worker.docker import stand_in
from agents.worker.doing import Executor
from hfecs.agents.worker.cancellation import Cancellation
from hfecs.agents.worker.capabilities import Capabilities
from hfecs.agents.worker.job import Job, Options
from hfecs.agents.worker.reply import Reply


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What Docker was asked for, a line each."""
    folder = tmp_path / "bin"
    folder.mkdir()
    log = stand_in(folder).with_name("docker.log")
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    monkeypatch.setenv("AMQP_PASSWORD", "secret")
    return log


def asked(log: Path) -> list[list[str]]:
    return [json.loads(line) for line in log.read_text().splitlines()]


def do(
    directory: Path, line: str, *, image: str = "soykb:1", allowed: bool = True, timeout: float | None = None
) -> Reply:
    options = Options("local", workdir=str(directory), timeout=timeout, container=image, retries=0)
    job = Job("r-1", "one", "r", "sh", ("-c", line), {"SEED": "7"}, (), (), "", "", options)
    return Executor(Capabilities(containers=allowed)).do(job)


def test_the_command_runs_in_the_image_and_in_the_job_directory(log: Path, tmp_path: Path) -> None:
    reply = do(tmp_path, "pwd; echo $SEED")

    assert (reply.exit_status, reply.stdout) == (0, f"{tmp_path}\n7\n")
    (words,) = asked(log)
    assert words[-4:] == ["soykb:1", "sh", "-c", "pwd; echo $SEED"]
    assert words[words.index("--volume") + 1] == f"{tmp_path}:{tmp_path}"
    assert "--rm" in words


def test_the_container_gets_the_variables_of_the_job_and_none_of_the_executor(log: Path, tmp_path: Path) -> None:
    reply = do(tmp_path, "env")

    assert "SEED=7" in reply.stdout
    assert "secret" not in reply.stdout + log.read_text()


def test_a_job_that_fails_in_its_container_is_told_by_its_own_program(log: Path, tmp_path: Path) -> None:
    reply = do(tmp_path, "exit 3")

    assert (reply.exit_status, reply.exceptions) == (3, ("sh ended with exit code 3.",))


def test_an_image_that_docker_cannot_run_is_named(log: Path, tmp_path: Path) -> None:
    reply = do(tmp_path, "true", image="missing")

    assert reply.exceptions == ("Docker could not run sh in missing.",)


def test_an_executor_without_leave_starts_no_container(log: Path, tmp_path: Path) -> None:
    reply = do(tmp_path, "true", allowed=False)

    assert reply.exit_status == 1
    assert reply.exceptions == ("The job wants to run in soykb:1, but this executor may not start containers.",)
    assert not log.exists()


def test_an_executor_without_docker_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    assert do(tmp_path, "true").exceptions == ("The program docker is missing in the executor's image.",)


def test_a_job_that_took_too_long_takes_its_container_with_it(log: Path, tmp_path: Path) -> None:
    reply = do(tmp_path, "sleep 60", timeout=0.5)

    run, removal = asked(log)
    assert reply.exceptions == ("sh was killed because it exceeded its time limit of 0.5 seconds.",)
    assert removal == ["rm", "--force", run[run.index("--name") + 1]]


def test_a_job_that_is_handed_back_takes_its_container_with_it(log: Path, tmp_path: Path) -> None:
    cancellation = Cancellation()
    options = Options("local", workdir=str(tmp_path), container="soykb:1", retries=0)
    job = Job("r-1", "one", "r", "sh", ("-c", "touch begun; sleep 60"), {}, (), (), "", "", options)
    working = threading.Thread(target=Executor(Capabilities(containers=True)).do, args=(job, cancellation))

    working.start()
    while not (tmp_path / "begun").exists():
        time.sleep(0.01)
    cancellation.cancel()
    working.join()

    assert [words[0] for words in asked(log)] == ["run", "rm"]
