from __future__ import annotations

import base64
import json
import select
import shutil
import subprocess
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.parse import parse_qs, urlencode
from urllib.request import Request, urlopen

import pytest

from hfecs.local.stand_ins.influxdb import address, data_directory, prepare, settings, statements
from serving import Quiet, serving

from ..conftest import Site, until

SOON = 0.02
ENVIRONMENT = {
    "HFECS_ADDRESS": "127.16.0.4",
    "HFECS_PORTS": "8086:8087",
    "INFLUXDB_DB": "stars",
    "INFLUXDB_ADMIN_USER": "admin",
    "INFLUXDB_ADMIN_PASSWORD": "sesame",
    "INFLUXDB_WRITE_USER": "writer",
    "INFLUXDB_WRITE_USER_PASSWORD": "write-sesame",
    "INFLUXDB_READ_USER": "reader",
    "INFLUXDB_READ_USER_PASSWORD": "read-sesame",
    "INFLUXDB_HTTP_AUTH_ENABLED": "true",
}


def test_the_server_listens_at_the_machine_only_on_the_host_port_and_for_its_own_ends(tmp_path: Path) -> None:
    told = settings(ENVIRONMENT, tmp_path)

    assert address(ENVIRONMENT) == "127.16.0.4:8087"
    assert told["INFLUXDB_HTTP_BIND_ADDRESS"] == "127.16.0.4:8087"
    assert told["INFLUXDB_BIND_ADDRESS"] == "127.16.0.4:0"
    assert told["INFLUXDB_HTTP_AUTH_ENABLED"] == "true"
    assert told["INFLUXDB_DATA_DIR"] == str(tmp_path / "data")


def test_accounts_may_do_what_those_of_the_official_image_may() -> None:
    assert list(statements(ENVIRONMENT)) == [
        'CREATE DATABASE "stars"',
        "CREATE USER \"reader\" WITH PASSWORD 'read-sesame'",
        'GRANT READ ON "stars" TO "reader"',
        "CREATE USER \"writer\" WITH PASSWORD 'write-sesame'",
        'GRANT WRITE ON "stars" TO "writer"',
    ]


def test_data_lies_in_the_volume_of_the_container(tmp_path: Path) -> None:
    volume = tmp_path / "volumes" / "influxdb"

    assert data_directory({"HFECS_VOLUMES": f"/etc/x:/nowhere,/var/lib/influxdb:{volume}"}) == volume
    assert volume.is_dir()


class FakeInflux(ThreadingHTTPServer):
    """Says 200 before it begins with a statement, as InfluxDB does, and leaves out one whose asker has gone by then."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Statement)
        self.carried_out: list[str] = []
        self.errors: dict[str, str] = {}


class Statement(Quiet, BaseHTTPRequestHandler):
    """Takes one statement."""

    server: FakeInflux

    def do_POST(self) -> None:
        (statement,) = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())["q"]
        self.send_response(200)
        self.end_headers()
        gone, _, _ = select.select([self.connection], [], [], SOON)
        if not gone:
            self.server.carried_out.append(statement)
            error = self.server.errors.get(statement)
            result = {"statement_id": 0, **({"error": error} if error else {})}
            self.wfile.write(json.dumps({"results": [result]}).encode())

    def do_GET(self) -> None:
        self.send_response(204)
        self.end_headers()


@pytest.fixture
def influx() -> Iterator[FakeInflux]:
    with serving(FakeInflux()) as server:
        yield server


def test_a_statement_is_waited_for_before_the_next_is_told(influx: FakeInflux) -> None:
    prepare(f"127.0.0.1:{influx.server_port}", ENVIRONMENT)

    admin = "CREATE USER \"admin\" WITH PASSWORD 'sesame' WITH ALL PRIVILEGES"
    assert influx.carried_out == [admin, *statements(ENVIRONMENT)]


def test_a_statement_that_the_server_refuses_ends_the_start(influx: FakeInflux) -> None:
    influx.errors['GRANT READ ON "stars" TO "reader"'] = "user not found"

    with pytest.raises(RuntimeError, match="user not found"):
        prepare(f"127.0.0.1:{influx.server_port}", ENVIRONMENT)
    assert not any("writer" in statement for statement in influx.carried_out)


def ask(server: str, query: str, user: str, password: str) -> str:
    account = base64.b64encode(f"{user}:{password}".encode()).decode()
    body = urlencode({"q": query, "db": "stars"}).encode()
    with urlopen(Request(f"{server}/query", body, {"Authorization": f"Basic {account}"}), timeout=5) as answer:
        return json.dumps(json.load(answer))


def write(server: str, line: str, user: str, password: str) -> None:
    account = base64.b64encode(f"{user}:{password}".encode()).decode()
    with urlopen(Request(f"{server}/write?db=stars", line.encode(), {"Authorization": f"Basic {account}"}), timeout=5):
        return


def takes(server: str, password: str = "write-sesame") -> bool:
    """Whether the writer can write, whose account is the last that a new server gets."""
    try:
        write(server, "light value=3", "writer", password)
    except (HTTPError, URLError):
        return False
    return True


def listening(site: Site) -> list[str]:
    """Where the processes of the cloud listen."""
    lines = subprocess.run(["ss", "-Hltnp"], capture_output=True, text=True, check=True).stdout.splitlines()
    ours = [line for line in lines if any(f"pid={process.pid}," in line for process in site.cloud.processes())]
    return [line.split()[3] for line in ours]


@pytest.mark.end_to_end
@pytest.mark.skipif(not shutil.which("influxd"), reason="influxdb is not installed")
def test_the_database_runs_on_its_machine_keeps_its_data_and_lets_in_only_its_accounts(
    site: Site, cluster: str
) -> None:
    instance = site.machine(cluster)
    (machine,) = site.ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"]
    server = f"http://{machine['PrivateIpAddress']}:8087"
    names = [name for name in ENVIRONMENT if name.startswith("INFLUXDB")]
    site.define(
        "influxdb",
        "",
        image="influxdb:1.8",
        command=[],
        portMappings=[{"containerPort": 8086, "hostPort": 8087}],
        environment=[{"name": name, "value": ENVIRONMENT[name]} for name in names],
    )

    arn = site.run(cluster, "influxdb")
    until(lambda: takes(server), seconds=30)

    assert '"light"' in ask(server, "SHOW MEASUREMENTS", "reader", "read-sesame")
    assert not takes(server, "wrong")
    with pytest.raises(HTTPError, match="403"):
        write(server, "light value=4", "reader", "read-sesame")
    assert any(address.endswith(":8087") for address in listening(site))
    assert [address for address in listening(site) if not address.startswith("127.")] == []
    site.ecs.stop_task(cluster=cluster, task=arn)
    assert site.ended(cluster, arn)["containers"][0]["exitCode"] == 0
    assert not any("influxd" in process.what for process in site.cloud.processes())
