"""Run a job's command: in its own process group, or in a container of its own.

Only the end of its output is kept; its child processes are killed when it ends.
"""

from __future__ import annotations

import errno
import math
import os
import selectors
import shutil
import signal
import subprocess
import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, BinaryIO

from hfecs.agents.worker.cancellation import Cancellation
from hfecs.agents.worker.usage import Usage
from hfecs.errors import WorkflowFailed

TAIL_BYTES = 64 * 1024
"""How much of the end of each stream of a job's output is kept."""

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
        *(b"AWS_ACCESS_KEY_ID", b"AWS_SECRET_ACCESS_KEY", b"S3_ACCESS_KEY_ID", b"S3_SECRET_ACCESS_KEY"),
    }
)
"""Variables of the executor that a job must not see."""

DOCKER = "docker"

DOCKER_FAILED = 125
"""Docker's own exit code if it could not run a container at all."""

REMOVING_SECONDS = 60.0


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
        shared = stdout if command.stderr == command.stdout else None
        stderr = shared or _file_for(command, command.stderr, opened)
        try:
            process = opened.enter_context(_started(command, stdout, stderr))
        except OSError as error:
            return _not_started(command.words[0], error)
        usage = Usage(process.pid)
        out, err = (Tail(pipe) if pipe else None for pipe in (process.stdout, process.stderr))
        tails = [tail for tail in (out, err) if tail]
        with cancellation.watching(process.pid):
            in_time = read_until_ended(process.pid, tails, command.timeout, usage)
            usage.look()
        exit_status, metrics = _reap(process, usage)
        for tail in tails:
            tail.read_rest()
        return Ended(
            exit_status=exit_status if exit_status >= 0 else KILLED - exit_status,
            stdout=_text(out, stdout if exit_status else None),  # else it is an output of the job, and stored
            stderr="" if shared else _text(err, stderr),
            problem=_problem(command, exit_status, in_time),
            metrics=metrics,
        )


def _file_for(command: Command, name: str, opened: ExitStack) -> BinaryIO | None:
    if not name:
        return None
    path = command.directory / name
    path.parent.mkdir(parents=True, exist_ok=True)
    return opened.enter_context(path.open("w+b"))


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


def _reap(process: subprocess.Popen[bytes], usage: Usage) -> tuple[int, dict[str, float]]:
    """Reap a process: its exit code, below 0 for a signal, and what it and its children have used."""
    _, status, account = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, usage.metrics(account)


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


@dataclass(frozen=True)
class Container:
    """A container to run: its image, and the name by which it is removed if its job is cancelled."""

    image: str
    name: str

    def words(self, command: Command) -> tuple[str, ...]:
        """The command line that runs a command in it: in the same directory, as the same user, with its variables.

        It sees nothing else of the executor: neither its variables nor its other files.
        """
        directory = str(command.directory)
        variables = [word for name, value in command.env.items() for word in ("--env", f"{name}={value}")]
        return (
            *(DOCKER, "run", "--rm", "--init", "--name", self.name),
            *("--user", f"{os.getuid()}:{os.getgid()}"),
            *("--volume", f"{directory}:{directory}", "--workdir", directory),
            *variables,
            self.image,
            *command.words,
        )

    def remove(self) -> None:
        """Remove it with all its processes; nothing happens if it is gone."""
        words = [DOCKER, "rm", "--force", self.name]
        with suppress(subprocess.TimeoutExpired):
            subprocess.run(words, capture_output=True, timeout=REMOVING_SECONDS, check=False)


def run_in_container(image: str, allowed: bool, command: Command, cancellation: Cancellation) -> Ended:
    """Run a command in a container of that image; WorkflowFailed if this executor may not.

    What it used is not known: its processes are not the executor's, and Docker's own command line is not the program.
    """
    if not allowed:
        raise WorkflowFailed(
            f"The job wants to run in {image}, but this executor may not start containers.",
            "allow it: hfecs cluster up --allow-containers",
        )
    if not shutil.which(DOCKER):
        hint = "its image needs Docker's command line: in Debian, the package docker.io"
        raise WorkflowFailed("The program docker is missing in the executor's image.", hint)
    container = Container(image, f"hfecs-job-{uuid.uuid4().hex}")
    ended = run(replace(command, words=container.words(command), program=command.words[0]), cancellation)
    if ended.problem:
        container.remove()
    problem = f"Docker could not run {command.words[0]} in {image}." if ended.exit_status == DOCKER_FAILED else ""
    return replace(ended, problem=problem or ended.problem, metrics={})


class Tail:
    """The end of a pipe's output."""

    def __init__(self, pipe: IO[bytes]) -> None:
        self.pipe = pipe
        self._kept = b""

    def read(self) -> bool:
        """Read what is there; False at the end of the output."""
        chunk = os.read(self.pipe.fileno(), TAIL_BYTES)
        self._kept = (self._kept + chunk)[-TAIL_BYTES:]
        return bool(chunk)

    def read_rest(self) -> None:
        """Read the rest without waiting for a process that still holds the pipe's other end."""
        os.set_blocking(self.pipe.fileno(), False)
        try:
            while self.read():
                pass
        except BlockingIOError:
            return

    def text(self) -> str:
        """What is kept, as text."""
        return self._kept.decode(errors="replace")


def _text(pipe: Tail | None, file: BinaryIO | None) -> str:
    """The end of what went through a pipe, or into a file, also if the program has removed or renamed it."""
    if pipe:
        return pipe.text()
    if file is None:
        return ""
    size = os.fstat(file.fileno()).st_size
    return os.pread(file.fileno(), TAIL_BYTES, max(0, size - TAIL_BYTES)).decode(errors="replace")


def read_until_ended(process: int, tails: Iterable[Tail], timeout: float | None, usage: Usage) -> bool:
    """Read the output until a process has ended, and what it uses; False if `timeout` seconds passed first."""
    deadline = None if timeout is None else time.monotonic() + timeout
    ended = os.pidfd_open(process)
    try:
        with selectors.PollSelector() as selector:
            selector.register(ended, selectors.EVENT_READ)
            for tail in tails:
                selector.register(tail.pipe, selectors.EVENT_READ, tail)
            return _read_until(selector, ended, deadline, usage)
    finally:
        os.close(ended)


def _read_until(selector: selectors.BaseSelector, ended: int, deadline: float | None, usage: Usage) -> bool:
    while (now := time.monotonic()) < (math.inf if deadline is None else deadline):
        if now >= usage.next:
            usage.look()
        until = usage.next if deadline is None else min(usage.next, deadline)
        for key, _ in selector.select(max(0.0, until - now)):
            if key.fd == ended:
                return True
            if not key.data.read():
                selector.unregister(key.fileobj)
    return False
