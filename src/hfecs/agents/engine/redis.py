"""The engine's Redis: a private server on a socket of its own, without any file of data."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir

from hfecs.agents.common.children import child
from hfecs.agents.common.pauses import pause
from hfecs.errors import ConfigurationInvalid, Failed

STARTING_SECONDS = 20.0
POLL_SECONDS = 0.05

LONGEST_FOLDER = 80
"""The path of a socket has at most 107 characters: a longer TMPDIR cannot hold it."""

WITHOUT_FILES = ("--port", "0", "--save", "", "--appendonly", "no")


@contextmanager
def private_redis(pause: Callable[[float], object] = pause) -> Iterator[Path]:
    """Run a Redis server; the path of its socket. It ends with the block."""
    if not shutil.which("redis-server"):
        raise ConfigurationInvalid("redis-server was not found.", "install it: apt-get install redis-server")
    with TemporaryDirectory(prefix="redis-", dir=_folder()) as name:
        directory = Path(name)
        address = directory / "redis.sock"
        log_file = directory / "redis.log"
        words = ("redis-server", *WITHOUT_FILES, "--unixsocket", str(address), "--dir", name)
        with log_file.open("wb") as log:
            with child(words, directory, os.environ, log) as process:
                _wait(process, address, log_file, pause)
                yield address


def _folder() -> str:
    return gettempdir() if len(gettempdir()) <= LONGEST_FOLDER else "/tmp"


def _wait(process: subprocess.Popen[bytes], address: Path, log_file: Path, pause: Callable[[float], object]) -> None:
    give_up = time.monotonic() + STARTING_SECONDS
    while not _answers(address):
        if process.poll() is not None or time.monotonic() > give_up:
            raise Failed(f"The engine's Redis did not start: {log_file.read_text(errors='replace')[-1000:]}")
        pause(POLL_SECONDS)


def _answers(address: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as connection:
        try:
            connection.connect(str(address))
            connection.sendall(b"PING\r\n")
            return connection.recv(5) == b"+PONG"
        except OSError:
            return False
