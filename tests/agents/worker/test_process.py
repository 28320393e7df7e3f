"""Running commands.

Jobs in containers of their own: a program that stands for Docker runs their commands.
"""

from __future__ import annotations

import json
import os
import select
import threading
import time
import tracemalloc
from pathlib import Path

import pytest

from agents.worker.docker import stand_in
from agents.worker.doing import Executor
from hfecs.agents.worker.cancellation import Cancellation
from hfecs.agents.worker.capabilities import Capabilities
from hfecs.agents.worker.job import Job, Options
from hfecs.agents.worker.process import Command, Ended, run
from hfecs.agents.worker.reply import Reply

SECONDS = 10.0


def shell(directory: Path, line: str, *, stdout: str = "", stderr: str = "", timeout: float | None = None) -> Ended:
    command = Command(("sh", "-c", line), directory, {"GREETING": "hello"}, stdout, stderr, timeout)
    return run(command, Cancellation())


def ends(file: Path) -> bool:
    """Whether the process ends whose number stands in a file; a killed one takes a moment."""
    try:
        process = os.pidfd_open(int(file.read_text()))
    except ProcessLookupError:
        return True
    ended, _, _ = select.select([process], [], [], SECONDS)
    os.close(process)
    return bool(ended)


def test_a_command_runs_in_its_directory_with_its_environment(tmp_path: Path) -> None:
    ended = shell(tmp_path, "pwd; echo $GREETING >&2")

    assert (ended.exit_status, ended.problem) == (0, "")
    assert (ended.stdout, ended.stderr) == (f"{tmp_path}\n", "hello\n")


def test_a_job_does_not_see_the_account_of_the_broker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AMQP_PASSWORD", "secret")

    assert shell(tmp_path, "env").stdout.count("AMQP_PASSWORD") == 0


def test_a_failing_command_tells_its_exit_code(tmp_path: Path) -> None:
    ended = shell(tmp_path, "exit 3")

    assert (ended.exit_status, ended.problem) == (3, "sh ended with exit code 3.")


def test_a_command_that_was_killed_names_the_signal(tmp_path: Path) -> None:
    ended = shell(tmp_path, "kill -SEGV $$")

    assert (ended.exit_status, ended.problem) == (139, "sh was killed by SIGSEGV.")


def test_a_job_whose_program_is_missing_says_which_one(tmp_path: Path) -> None:
    ended = run(Command(("mNothing",), tmp_path, {}), Cancellation())

    assert (ended.exit_status, ended.problem) == (127, "The program mNothing was not found on the executor.")


def test_a_program_that_is_not_executable_says_why(tmp_path: Path) -> None:
    (tmp_path / "script").touch(mode=0o644)

    ended = run(Command(("./script",), tmp_path, {}), Cancellation())

    assert (ended.exit_status, ended.problem) == (126, "The program ./script cannot be run: Permission denied.")


def test_output_goes_to_files_where_the_job_names_them(tmp_path: Path) -> None:
    ended = shell(tmp_path, "echo out; echo err >&2", stdout="logs/out.txt", stderr="err.txt")

    assert (tmp_path / "logs/out.txt").read_text() == "out\n"
    assert (tmp_path / "err.txt").read_text() == "err\n"
    assert (ended.stdout, ended.stderr) == ("", "err\n")


def test_a_failed_command_tells_both_streams_also_those_that_went_to_files(tmp_path: Path) -> None:
    ended = shell(tmp_path, "echo out; echo err >&2; exit 1", stdout="out.txt", stderr="err.txt")

    assert (ended.stdout, ended.stderr) == ("out\n", "err\n")


def test_both_streams_may_go_to_one_file(tmp_path: Path) -> None:
    ended = shell(tmp_path, "echo out; echo err >&2; echo end; exit 1", stdout="all.txt", stderr="all.txt")

    assert (ended.stdout, ended.stderr) == ("out\nerr\nend\n", "")
    assert (tmp_path / "all.txt").read_text() == "out\nerr\nend\n"


def test_a_command_that_removes_the_file_of_its_output_still_tells_it(tmp_path: Path) -> None:
    ended = shell(tmp_path, "echo err >&2; rm err.txt; exit 1", stderr="err.txt")

    assert (ended.exit_status, ended.stderr) == (1, "err\n")


def test_of_much_output_the_end_is_kept(tmp_path: Path) -> None:
    ended = shell(tmp_path, "seq 100000; seq 100000 >&2; echo last; echo end >&2", stderr="err.txt")

    assert len(ended.stdout) == len(ended.stderr) == 64 * 1024
    assert (ended.stdout[-5:], ended.stderr[-4:]) == ("last\n", "end\n")


def test_100_megabytes_of_output_leave_no_more_than_their_end(tmp_path: Path) -> None:
    tracemalloc.start()

    ended = shell(tmp_path, "head -c 100000000 /dev/zero; echo; echo end")

    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (len(ended.stdout), ended.stdout[-5:]) == (64 * 1024, "\nend\n")
    assert most < 1_000_000


def test_a_command_that_takes_too_long_is_ended_with_all_its_processes(tmp_path: Path) -> None:
    ended = shell(tmp_path, "sleep 600 & echo $! > child; wait", timeout=0.3)

    assert "exceeded its time limit of 0.3 seconds" in ended.problem
    assert ended.exit_status == 137
    assert ends(tmp_path / "child")


def test_what_a_command_leaves_in_the_background_ends_with_it(tmp_path: Path) -> None:
    ended = shell(tmp_path, "sleep 600 & echo $! > child; echo done")

    assert ended.stdout == "done\n"
    assert ends(tmp_path / "child")


def test_a_cancelled_command_ends_at_once(tmp_path: Path) -> None:
    cancellation = Cancellation()
    threading.Timer(0.1, cancellation.cancel).start()
    start = time.monotonic()

    ended = run(Command(("sleep", "600"), tmp_path, {}), cancellation)

    assert ended.exit_status == 137
    assert time.monotonic() - start < 60


def test_a_job_that_was_cancelled_before_its_command_does_not_run(tmp_path: Path) -> None:
    cancellation = Cancellation()
    cancellation.cancel()

    ended = run(Command(("sh", "-c", "sleep 1; touch ran"), tmp_path, {}), cancellation)

    assert ended.exit_status == 137
    assert not (tmp_path / "ran").exists()


def test_a_time_limit_may_be_longer_than_the_system_waits_at_a_time(tmp_path: Path) -> None:
    assert shell(tmp_path, "true", timeout=31_536_000.0).exit_status == 0


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
