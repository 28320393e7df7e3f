"""A RabbitMQ of its own for tests: on free ports of 127.0.0.1, in a directory that goes away with it."""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pika
from pika.exceptions import AMQPError

LOOPBACK = "127.0.0.1"
CALM = "+sbwt none +sbwtdcpu none +sbwtdio none -kernel inet_dist_use_interface {127,0,0,1}"
USER, PASSWORD = "hyperflow", "not-a-secret"
STARTING_SECONDS = 90.0


# The system hands out those from 32768 on to connections, also while a broker is not up yet, or down for a test.
FIRST_PORT, PORTS = 20_000, 12_000
_numbers = itertools.count(os.getpid() * 97)  # test processes have neighbouring numbers, and need 4 ports a broker


def free_port() -> int:
    """A port at which nobody listens, and that no connection gets by chance."""
    while True:
        port = FIRST_PORT + next(_numbers) % PORTS
        with socket.socket() as listener, suppress(OSError):
            listener.bind((LOOPBACK, port))
            return port


@dataclass
class PrivateBroker:
    """A RabbitMQ node; `stop` and `start` keep its data, as a restart of the broker does."""

    directory: Path
    port: int
    management_port: int
    distribution_port: int
    epmd_port: int
    arguments: str = "-rabbit consumer_timeout 86400000"
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"amqp://{USER}:{PASSWORD}@{LOOPBACK}:{self.port}"

    @property
    def management_url(self) -> str:
        return f"http://{LOOPBACK}:{self.management_port}"

    def start(self) -> None:
        log = (self.directory / "out.log").open("ab")
        self.process = subprocess.Popen(
            ["/usr/lib/rabbitmq/bin/rabbitmq-server"],
            env=self._environ(),
            cwd=self.directory,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            user="nobody" if os.geteuid() == 0 else None,
        )
        log.close()
        self._wait()

    def kill(self) -> None:
        """End the node at once, as a crash of the machine does."""
        if self.process:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None

    def _wait(self) -> None:
        give_up = time.monotonic() + STARTING_SECONDS
        while True:
            try:
                pika.BlockingConnection(pika.URLParameters(self.url)).close()
                return
            except (AMQPError, OSError):
                assert self.process and self.process.poll() is None, (self.directory / "out.log").read_text()
                assert time.monotonic() < give_up, (self.directory / "out.log").read_text()
                time.sleep(0.2)

    def _environ(self) -> dict[str, str]:
        home = str(self.directory)
        return {
            "PATH": os.environ["PATH"],
            "HOME": home,
            "RABBITMQ_NODENAME": f"test{self.port}@localhost",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_NODE_IP_ADDRESS": LOOPBACK,
            "RABBITMQ_DIST_PORT": str(self.distribution_port),
            "RABBITMQ_MNESIA_BASE": f"{home}/data",
            "RABBITMQ_LOG_BASE": f"{home}/log",
            "RABBITMQ_CONFIG_FILE": f"{home}/rabbitmq.conf",
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{home}/enabled_plugins",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": f"{CALM} {self.arguments}",
            "ERL_EPMD_PORT": str(self.epmd_port),
            "ERL_EPMD_ADDRESS": LOOPBACK,
        }


def _configure(broker: PrivateBroker) -> None:
    settings = {
        "listeners.tcp.local": f"{LOOPBACK}:{broker.port}",
        "management.tcp.ip": LOOPBACK,
        "management.tcp.port": broker.management_port,
        "channel_max": 2_047,  # RabbitMQ's own default, though not ours
        "collect_statistics_interval": 1000,
        "default_user": USER,
        "default_pass": PASSWORD,
    }
    lines = "".join(f"{key} = {value}\n" for key, value in settings.items())
    (broker.directory / "rabbitmq.conf").write_text(lines)
    (broker.directory / "enabled_plugins").write_text("[rabbitmq_management].\n")
    if os.geteuid() == 0:
        shutil.chown(broker.directory, "nobody")


@contextmanager
def private_broker(**settings: Any) -> Iterator[PrivateBroker]:
    with TemporaryDirectory(prefix="hfecs-rabbitmq-", ignore_cleanup_errors=True) as directory:
        broker = PrivateBroker(Path(directory), free_port(), free_port(), free_port(), free_port(), **settings)
        _configure(broker)
        with _port_mapper(broker.epmd_port):
            try:
                broker.start()
                yield broker
            finally:
                broker.kill()


@contextmanager
def _port_mapper(port: int) -> Iterator[None]:
    """Run the port mapper that a node needs; one that the node starts itself would outlive it."""
    words = ["epmd", "-port", str(port), "-address", LOOPBACK]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as mapper:
        try:
            yield
        finally:
            mapper.kill()
