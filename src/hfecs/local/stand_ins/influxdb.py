"""Replaces the image influxdb:1.8: a private server of Debian's influxdb 1.6, which has the same interface.

Reads what the official image reads: INFLUXDB_DB, the names and passwords of an admin, a reader and a writer, and
influxd's own environment variables. It listens only on the machine's address and the host port of the container's port
mapping; its data is in the volume of /var/lib/influxdb.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode

SERVER = "/usr/bin/influxd"
PORT = "8086"
HOME = "/var/lib/influxdb"
START_SECONDS = 30.0
POLL_SECONDS = 0.05
# Account, the variables with its name and password, its privilege on the database.
ACCOUNTS = (
    ("INFLUXDB_USER", "INFLUXDB_USER_PASSWORD", "ALL"),
    ("INFLUXDB_READ_USER", "INFLUXDB_READ_USER_PASSWORD", "READ"),
    ("INFLUXDB_WRITE_USER", "INFLUXDB_WRITE_USER_PASSWORD", "WRITE"),
)


def main() -> int:
    """Run the server until SIGTERM; returns the container's exit code."""
    environment = dict(os.environ)
    home = data_directory(environment)
    prepared = home / "prepared"
    if not prepared.exists():
        _empty(home)
    server = subprocess.Popen([SERVER, "-config", os.devnull], env=settings(environment, home), cwd=home)
    signal.signal(signal.SIGTERM, lambda *_: server.terminate())
    if not prepared.exists():
        try:
            prepare(address(environment), environment)
            prepared.touch()
        finally:
            if not prepared.exists():
                server.kill()
    code = server.wait()
    return 0 if code in (0, -signal.SIGTERM) else code


def data_directory(environment: Mapping[str, str]) -> Path:
    """The data directory: in the container's volume, or its own directory."""
    volumes = dict(entry.split(":", 1) for entry in environment.get("HFECS_VOLUMES", "").split(",") if entry)
    home = Path(volumes.get(HOME) or Path.cwd())
    home.mkdir(parents=True, exist_ok=True)
    return home


def address(environment: Mapping[str, str]) -> str:
    """Where the server listens."""
    ports = dict(mapping.split(":") for mapping in environment.get("HFECS_PORTS", "").split(",") if mapping)
    return f"{environment['HFECS_ADDRESS']}:{ports.get(PORT, PORT)}"


def settings(environment: Mapping[str, str], home: Path) -> dict[str, str]:
    """The server's environment: the image's, with this machine's address for all of its ports."""
    return {
        **environment,
        "INFLUXDB_BIND_ADDRESS": f"{environment['HFECS_ADDRESS']}:0",
        "INFLUXDB_HTTP_BIND_ADDRESS": address(environment),
        "INFLUXDB_META_DIR": str(home / "meta"),
        "INFLUXDB_DATA_DIR": str(home / "data"),
        "INFLUXDB_DATA_WAL_DIR": str(home / "wal"),
        "INFLUXDB_LOGGING_LEVEL": "warn",
        "INFLUXDB_DATA_QUERY_LOG_ENABLED": "false",
    }


def statements(environment: Mapping[str, str]) -> Iterator[str]:
    """The admin's statements for a new server: the database and the accounts."""
    database = environment.get("INFLUXDB_DB")
    if database:
        yield f'CREATE DATABASE "{database}"'
    for name, password, privilege in ACCOUNTS:
        if name in environment:
            yield f"CREATE USER \"{environment[name]}\" WITH PASSWORD '{environment[password]}'"
            if database:
                yield f'GRANT {privilege} ON "{database}" TO "{environment[name]}"'


def prepare(server: str, environment: Mapping[str, str]) -> None:
    """Create the admin, which a server without accounts allows anybody, then the rest.

    Raises RuntimeError if the server refuses a statement, OSError if it does not respond.
    """
    _wait(server)
    account = ""
    if admin := environment.get("INFLUXDB_ADMIN_USER"):
        password = environment["INFLUXDB_ADMIN_PASSWORD"]
        _ask(server, f"CREATE USER \"{admin}\" WITH PASSWORD '{password}' WITH ALL PRIVILEGES", account)
        account = f"{admin}:{password}"
    for statement in statements(environment):
        _ask(server, statement, account)


def _empty(home: Path) -> None:
    """Delete the data of an unfinished start."""
    for entry in home.iterdir():
        shutil.rmtree(entry)


def _wait(server: str) -> None:
    give_up = time.monotonic() + START_SECONDS
    while True:
        try:
            with urllib.request.urlopen(f"http://{server}/ping", timeout=1):
                return
        except HTTPError:
            return
        except (URLError, OSError):
            if time.monotonic() > give_up:
                raise
        time.sleep(POLL_SECONDS)


def _ask(server: str, statement: str, account: str) -> None:
    """Execute one statement.

    The server sends 200 before it starts the statement, and reports the outcome in the body; if the connection closes
    earlier, the statement may be skipped, or run after the next.
    """
    headers = {"Authorization": f"Basic {base64.b64encode(account.encode()).decode()}"} if account else {}
    request = urllib.request.Request(f"http://{server}/query", urlencode({"q": statement}).encode(), headers)
    with urllib.request.urlopen(request, timeout=10) as answer:
        told = json.load(answer)
    for result in (told, *told.get("results", ())):
        if "error" in result:
            raise RuntimeError(f"InfluxDB refused a statement: {result['error']}")


if __name__ == "__main__":
    sys.exit(main())
