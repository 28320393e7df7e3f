"""Run a job's command in its own process group, with bounded output, and end all its children."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from hfecs.agents.worker.cancellation import Cancellation
from hfecs.agents.worker.output import Tail, follow, tail_of_file

NOT_RUNNABLE = 126
NOT_FOUND = 127
KILLED = 128
"""Exit codes as in a shell; the number of a signal is added to the last."""

PASSING = frozenset({errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.ETXTBSY})
"""Temporary reasons why a program cannot be started: other jobs use what it needs."""

SECRETS = frozenset(
    {
        *(b"AMQP_URL", b"AMQP_USER", b"AMQP_PASSWORD"),
        *(b"INFLUXDB_URL", b"INFLUXDB_USER", b"INFLUXDB_PASSWORD"),
        *(b"AWS_ACCESS_KEY_ID", b"AWS_SECRET_ACCESS_KEY"),
    }
)
"""Variables of the executor that a job must not see."""


@dataclass(frozen=True)
class Command:
    """What to run and where; the file names for stdout and stderr may be empty, `timeout` is in seconds.

    `program` is its name in messages, if not its first word.
    """

    words: Sequence[str]
    directory: Path
    env: Mapping[str, str]
    stdout: str = ""
    stderr: str = ""
    timeout: float | None = None
    program: str = ""


@dataclass(frozen=True)
class Ended:
    """How a command ended: its exit code, the ends of its output, and a sentence if it failed.

    `lasting`: a retry here would fail the same way.
    """

    exit_status: int
    stdout: str = ""
    stderr: str = ""
    problem: str = ""
    metrics: Mapping[str, float] = field(default_factory=dict)
    lasting: bool = False


def run(command: Command, cancellation: Cancellation) -> Ended:
    """Run a command to its end; a program that cannot be started counts as ended too."""
    with ExitStack() as opened:
        stdout = _file_for(command, command.stdout, opened)
        stderr = _file_for(command, command.stderr, opened)
        try:
            process = opened.enter_context(_started(command, stdout, stderr))
        except OSError as error:
            return _not_started(command.words[0], error)
        out, err = (Tail(pipe) if pipe else None for pipe in (process.stdout, process.stderr))
        tails = [tail for tail in (out, err) if tail]
        with cancellation.watching(process.pid):
            in_time = follow(process.pid, tails, command.timeout)
        exit_status, metrics = _reap(process)
        for tail in tails:
            tail.read_rest()
    return Ended(
        exit_status=exit_status if exit_status >= 0 else KILLED - exit_status,
        stdout=out.text() if out else "",
        stderr=err.text() if err else tail_of_file(command.directory / command.stderr),
        problem=_problem(command, exit_status, in_time),
        metrics=metrics,
    )


def _file_for(command: Command, name: str, opened: ExitStack) -> BinaryIO | None:
    if not name:
        return None
    path = command.directory / name
    path.parent.mkdir(parents=True, exist_ok=True)
    return opened.enter_context(path.open("wb"))


def _started(command: Command, stdout: BinaryIO | None, stderr: BinaryIO | None) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        list(command.words),
        cwd=command.directory,
        env=_environment(command.env),
        stdin=subprocess.DEVNULL,
        stdout=stdout or subprocess.PIPE,
        stderr=stderr or subprocess.PIPE,
        start_new_session=True,
        close_fds=False,  # Python's own files close automatically, and looking for others takes time
    )


def _environment(own: Mapping[str, str]) -> dict[bytes, bytes]:
    """The executor's variables and the job's own; as bytes, which saves half a millisecond per job."""
    inherited = {name: value for name, value in os.environb.items() if name not in SECRETS}
    return {**inherited, **{os.fsencode(name): os.fsencode(value) for name, value in own.items()}}


def _reap(process: subprocess.Popen[bytes]) -> tuple[int, dict[str, float]]:
    """Reap a process: its exit code, below 0 for a signal, and its resource usage."""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    metrics = {
        "user_seconds": usage.ru_utime,
        "system_seconds": usage.ru_stime,
        "resident_bytes": usage.ru_maxrss * 1024,
    }
    return process.returncode, metrics


def _not_started(program: str, error: OSError) -> Ended:
    if isinstance(error, FileNotFoundError):
        return Ended(NOT_FOUND, problem=f"The program {program} was not found on the executor.", lasting=True)
    problem = f"The program {program} cannot be run: {error.strerror}."
    return Ended(NOT_RUNNABLE, problem=problem, lasting=error.errno not in PASSING)


def _problem(command: Command, exit_status: int, in_time: bool) -> str:
    program = command.program or command.words[0]
    if not in_time:
        return f"{program} was killed because it exceeded its time limit of {command.timeout:g} seconds."
    if exit_status < 0:
        return f"{program} was killed by {_signal_name(-exit_status)}."
    return f"{program} ended with exit code {exit_status}." if exit_status else ""


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
