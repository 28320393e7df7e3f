"""Replaces the image rabbitmq:*-management: a private RabbitMQ node of Debian's rabbitmq-server.

Reads what the official image reads: RABBITMQ_DEFAULT_USER, RABBITMQ_DEFAULT_PASS and
RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS. It listens only on the machine's address and the host ports of the container's port
mappings: Erlang's distribution is on, since RabbitMQ requires a node name, but has no port and no epmd.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

SERVER = "/usr/lib/rabbitmq/bin/rabbitmq-server"
AMQP, MANAGEMENT = "5672", "15672"
STOP_SECONDS = (
    1.0  # its clients are notified at once; a clean stop takes five more seconds, for data that is discarded anyway
)
NODE = "-sname rabbit@localhost -erl_epmd_port 25672"
# For each Erlang process: after a minute RabbitMQ misses epmd, and starts another Erlang to bring it back.
ALONE = "-dist_listen false -start_epmd false"


def main() -> int:
    """Run the node until SIGTERM; returns the container's exit code."""
    home = Path.cwd()
    _write_configuration(home, os.environ)
    server = subprocess.Popen([SERVER], env=_environment(home, dict(os.environ)), stdin=subprocess.DEVNULL)
    signal.signal(signal.SIGTERM, lambda *_: _stop(server))
    return server.wait()


def configuration(environment: Mapping[str, str]) -> str:
    """rabbitmq.conf for the machine's address, the mapped ports and the given user."""
    ports = dict(mapping.split(":") for mapping in environment.get("HFECS_PORTS", "").split(",") if mapping)
    address = environment["HFECS_ADDRESS"]
    lines = [
        f"listeners.tcp.1 = {address}:{ports.get(AMQP, AMQP)}",
        f"management.tcp.ip = {address}",
        f"management.tcp.port = {ports.get(MANAGEMENT, MANAGEMENT)}",
        f"default_user = {environment.get('RABBITMQ_DEFAULT_USER', 'guest')}",
        f"default_pass = {environment.get('RABBITMQ_DEFAULT_PASS', 'guest')}",
        "loopback_users = none",
        "log.console.level = warning",
    ]
    return "\n".join(lines) + "\n"


def _write_configuration(home: Path, environment: Mapping[str, str]) -> None:
    file = home / "rabbitmq.conf"
    file.touch(mode=0o600)
    file.write_text(configuration(environment))
    (home / "enabled_plugins").write_text("[rabbitmq_management].\n")


def _environment(home: Path, environment: dict[str, str]) -> dict[str, str]:
    arguments = environment.get("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", "")
    return {
        **environment,
        "HOME": str(home),
        "ERL_FLAGS": ALONE,
        "RABBITMQ_NODENAME": "rabbit@localhost",
        "RABBITMQ_MNESIA_BASE": str(home / "mnesia"),
        "RABBITMQ_LOG_BASE": str(home / "log"),
        "RABBITMQ_LOGS": "-",
        "RABBITMQ_CONFIG_FILE": str(home / "rabbitmq.conf"),
        "RABBITMQ_CONF_ENV_FILE": os.devnull,
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(home / "enabled_plugins"),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": f"{NODE} {arguments}".strip(),
    }


def _stop(server: subprocess.Popen[bytes]) -> None:
    server.terminate()
    try:
        server.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        server.kill()
    sys.exit(0)


if __name__ == "__main__":
    sys.exit(main())
