"""A machine of the local cloud: a small process that runs containers as real processes and ends with its daemon.

Orders come as JSON lines on stdin, reports go as JSON lines to stdout:

    {"order": "start", "container", "argv", "environment", "directory", "log"}
                                                    ->  {"container", "pid"} or {"container", "error"}
    {"order": "stop", "container", "timeout"}       ->  {"container", "code"} when it has ended
    {"order": "end"}                                ->  ends all containers, then itself

A container is a session of its own. When its first process ends, all others are killed, as in a real container.
When stdin closes (the daemon has gone, even by kill -9) everything is killed.
"""

from __future__ import annotations

import ctypes
import json
import os
import select
import signal
import subprocess
import time
from typing import Any

from hfecs.local.processes import kill_all, members, send

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
END_SECONDS = 2.0  # grace period for the containers of a machine that is switched off
NEVER = float("inf")


class Machine:
    """The containers of this machine."""

    def __init__(self) -> None:
        self.leaders: dict[int, str] = {}
        self.deadlines: dict[str, float] = {}
        self.ending = False
        self.libc = ctypes.CDLL(None)
        self.libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)

    def start(self, order: dict[str, Any]) -> None:
        """Start a container's program; its output goes to the log file."""
        container = order["container"]
        try:
            with open(order["log"], "ab") as log:  # noqa: PTH123 (pathlib is slow to import)
                process = subprocess.Popen(
                    order["argv"],
                    env=order["environment"],
                    cwd=order["directory"],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                    preexec_fn=self._die_with_the_machine,  # noqa: PLW1509 (there are no threads)
                )
        except OSError as error:
            report(container=container, error=f"{error.strerror}: {error.filename or order['argv'][0]}")
            return
        process.returncode = 0  # reaped below, not by subprocess
        self.leaders[process.pid] = container
        report(container=container, pid=process.pid)

    def stop(self, container: str, timeout: float) -> None:
        """Ask a container to stop (SIGTERM to its process group), and kill it after `timeout` seconds."""
        for pid, name in self.leaders.items():
            if name == container and container not in self.deadlines:
                self.deadlines[container] = time.monotonic() + timeout
                self._terminate_group(pid)

    def end(self) -> None:
        """Switch the machine off."""
        self.ending = True
        for container in list(self.leaders.values()):
            self.stop(container, END_SECONDS)
        limit = time.monotonic() + END_SECONDS
        self.deadlines = {name: min(deadline, limit) for name, deadline in self.deadlines.items()}

    def kill(self) -> None:
        """Kill all containers at once."""
        for pid, container in list(self.leaders.items()):
            _kill_container(container, pid)

    def kill_overdue(self) -> None:
        """Kill the containers that were asked to stop and did not."""
        now = time.monotonic()
        for pid, container in list(self.leaders.items()):
            if self.deadlines.get(container, NEVER) <= now:
                self.deadlines[container] = NEVER
                _kill_container(container, pid)

    def seconds_to_next_deadline(self) -> float | None:
        """None if no container is to be killed."""
        deadline = min(self.deadlines.values(), default=NEVER)
        return None if deadline == NEVER else max(0.0, deadline - time.monotonic())

    def reap(self) -> None:
        """Report the containers that have ended, and clean up after them."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            container = self.leaders.pop(pid, None)
            if container is not None:
                self.deadlines.pop(container, None)
                _kill_container(container, pid)
                report(container=container, code=exit_code(status))

    def _terminate_group(self, pid: int) -> None:
        try:
            os.killpg(pid, signal.SIGTERM)
        except ProcessLookupError:
            send([pid], signal.SIGTERM)

    def _die_with_the_machine(self) -> None:
        self.libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def exit_code(status: int) -> int:
    """The exit code in Docker's form: 128 plus the signal's number for a killed process."""
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def report(**what: Any) -> None:
    """Send a report to the daemon."""
    try:
        os.write(1, json.dumps(what).encode() + b"\n")
    except BrokenPipeError:
        return  # the daemon has gone: stdin is closed too, which ends this machine


def _kill_container(container: str, session: int) -> None:
    kill_all(lambda: members(container, session), timeout=1.0)


def _obey(machine: Machine, order: dict[str, Any]) -> None:
    if order["order"] == "start":
        machine.start(order)
    elif order["order"] == "stop":
        machine.stop(order["container"], order["timeout"])
    else:
        machine.end()


def main() -> None:
    """Follow orders until stdin closes, or until the machine is switched off and its containers have ended."""
    machine = Machine()
    wake, waker = os.pipe()
    os.set_blocking(waker, False)
    signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGTERM, lambda *_: machine.end())
    report(ready=True)
    rest = b""
    while not (machine.ending and not machine.leaders):
        readable, _, _ = select.select([0, wake], [], [], machine.seconds_to_next_deadline())
        if wake in readable:
            os.read(wake, 4096)
        if 0 in readable:
            data = os.read(0, 1 << 20)
            if not data:
                machine.kill()
                return
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                _obey(machine, json.loads(line))
        machine.kill_overdue()
        machine.reap()


if __name__ == "__main__":
    main()
