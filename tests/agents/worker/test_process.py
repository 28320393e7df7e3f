"""Running commands."""

from __future__ import annotations

import os
import select
import threading
import time
import tracemalloc
from pathlib import Path

import pytest

from hfecs.agents.worker.cancellation import Cancellation
from hfecs.agents.worker.process import Command, Ended, run

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
