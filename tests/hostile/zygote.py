"""A process that has everything imported and forks for each command: `python -m hostile.zygote`.

Each line on its standard input is {"arguments", "directory", "url", "talk"}; it answers with the pid of the command,
which runs in that directory with the stand-in for AWS at that URL and says everything into the file `talk`, and with
its exit code when it has ended, minus the signal's number if it was killed. Calls go one after the other, so that
they are the same each time, and nobody sleeps long.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import boto3

import hfecs.parallel
from hfecs import cli
from hostile.clients import Clients
from support import KEYS, REGION

LONGEST_NAP = 0.002
BUG = 70
# Seconds after which a command that hangs is killed by SIGALRM.
LONGEST = 240
sleep = time.sleep


class OpenSession(boto3.Session):
    """A session whose clients were opened before the fork."""

    clients: Clients

    def client(self, service_name: str, *_: Any, **__: Any) -> Any:
        return self.clients.of(service_name)


def command(order: dict[str, Any]) -> int:
    """Be the program that a person starts."""
    signal.alarm(LONGEST)
    os.chdir(order["directory"])
    OpenSession.clients.url = os.environ["AWS_ENDPOINT_URL"] = order["url"]
    with open(order["talk"], "wb") as talk:  # noqa: PTH123
        os.dup2(talk.fileno(), 1)
        os.dup2(talk.fileno(), 2)
    code = cli.main(order["arguments"])
    sys.stdout.flush()
    sys.stderr.flush()
    return code


@contextmanager
def leaving() -> Iterator[None]:
    """End the process in any case; a bug leaves its traceback."""
    try:
        yield
    finally:
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(BUG)


def main() -> None:
    """Fork until standard input is closed."""
    os.environ |= {**KEYS, "AWS_REGION": REGION, "COLUMNS": "200", "AWS_EC2_METADATA_DISABLED": "true"}
    OpenSession.clients = Clients()
    setattr(boto3, "Session", OpenSession)  # noqa: B010
    setattr(time, "sleep", lambda seconds: sleep(min(seconds, LONGEST_NAP)))  # noqa: B010
    setattr(os, "fsync", lambda file: None)  # noqa: B010
    setattr(hfecs.parallel, "SIDE_BY_SIDE", 1)  # noqa: B010
    gc.collect()
    gc.disable()  # commands are short
    say = partial(print, flush=True)
    say("ready")
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            with leaving():
                os._exit(command(json.loads(line)))
        say(pid)
        _, status = os.waitpid(pid, 0)
        say(os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    main()
