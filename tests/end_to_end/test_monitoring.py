"""A Montage run that is watched: InfluxDB then answers every query of every dashboard."""

from __future__ import annotations

import base64
import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import boto3
import pytest

from dashboards import NAMES, Query, queries
from end_to_end.project import Project, project, wait_until
from hfecs.local.processes import processes_of

pytestmark = [
    pytest.mark.end_to_end,
    pytest.mark.skipif(not shutil.which("influxd"), reason="Debian's influxdb is not installed"),
]

QUICK = "[scaling]\nasg_desired = 1\n[monitoring]\nperiod = 1\n"
BROKEN = [{"name": "breaks", "command": "echo no such star >&2; exit 7", "ins": ["begin"], "outs": ["one"]}]


@dataclass(frozen=True)
class Influx:
    """The database of a project's monitoring, as Grafana asks it."""

    server: str
    user: str
    password: str

    def ask(self, query: str) -> list[dict[str, Any]]:
        """The series that a query returns."""
        account = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        body = urlencode({"q": query, "db": "hyperflow_tests"}).encode()
        with urlopen(
            Request(f"{self.server}/query", body, {"Authorization": f"Basic {account}"}), timeout=30
        ) as answer:
            (result,) = json.load(answer)["results"]
        assert "error" not in result, f"{query}: {result['error']}"
        return result.get("series", [])  # type: ignore[no-any-return]

    def values(self, query: str) -> list[Any]:
        """The values of the last column."""
        return [row[-1] for series in self.ask(query) for row in series["values"]]


def influx_of(here: Project) -> Influx:
    told = json.loads(here.hfecs("--local", "monitoring", "status", "--json", "--show-passwords").stdout)
    (part,) = [part for part in told["parts"] if part["part"] == "InfluxDB"]
    (reader,) = [account for account in told["accounts"] if account["user"] == "grafana"]
    return Influx(part["address"], reader["user"], reader["password"])


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A project that was watched while one workflow succeeded and one failed."""
    folder = tmp_path_factory.mktemp("watched")
    (folder / "hfecs.toml").write_text(QUICK)
    with project(folder) as made:
        made.done("example", "montage", "montage", "--grid", "2", "--pixels", "100")
        made.done("--local", "monitoring", "up")
        made.done("--local", "cluster", "up")
        made.done("--local", "run", "montage", "--bucket", "watched-run")
        workflow = made.write_workflow("broken", BROKEN, {"begin": "light"})
        assert made.hfecs("--local", "run", workflow, "--bucket", "watched-run").returncode == 1
        yield made
        made.done("--local", "destroy", "--yes", "--delete-data")
        assert made.processes() == ["daemon"]


@pytest.fixture(scope="module")
def influx(here: Project) -> Influx:
    """The project's InfluxDB, when it knows how both runs ended."""
    database = influx_of(here)
    query = """SELECT count("seconds") FROM "hyperflow_workflow" WHERE "status" <> 'running'"""
    wait_until(lambda: sum(database.values(query)) == 2, what="both runs to be told to InfluxDB")
    return database


@pytest.mark.parametrize("query", [query for name in NAMES for query in queries(name)], ids=lambda query: query.where)
def test_every_query_of_the_dashboards_returns_data(influx: Influx, query: Query) -> None:
    values = wait_until(lambda: influx.values(query.filled()), what=f"data for {query.where}", seconds=20)

    assert [value for value in values if value is not None]


def test_each_job_of_the_run_has_left_its_times(here: Project, influx: Influx) -> None:
    jobs = len(json.loads((here.folder / "montage" / "workdir" / "dag.json").read_text())["processes"])

    assert influx.values('SELECT count("runing_time") FROM "execution_times" WHERE "failed" = 0') == [jobs]
    assert influx.values('SELECT "exit_status" FROM "execution_times" WHERE "failed" = 1') == [7]
    computed = influx.values(
        'SELECT sum("execution_time") FROM "execution_times" WHERE "workflow_stage" = \'mProject\''
    )
    assert computed[0] > 0


def test_a_second_up_of_both_changes_nothing(here: Project) -> None:
    for part in ("monitoring", "cluster"):
        assert re.search(r": 0 created, \d+ unchanged \(", here.done("--local", part, "up"))


def test_status_says_what_answers_and_that_grafana_cannot_run_here(here: Project) -> None:
    said = " ".join(here.done("--local", "monitoring", "status").split())

    assert "answers" in said
    assert "Grafana does not run on the local cloud" in said
    assert "hidden; use --show-passwords" in said


def test_passwords_are_in_no_log_and_no_state_file(here: Project) -> None:
    told = json.loads(here.hfecs("--local", "monitoring", "status", "--json", "--show-passwords").stdout)
    passwords = {account["password"] for account in told["accounts"]}
    texts = [here.done("--local", "logs"), here.done("--local", "logs", "monitoring")]
    texts += [path.read_text() for path in here.folder.glob("*.state.json")]

    assert len(passwords) == 4
    assert [password for password in passwords for text in texts if password in text] == []


def test_secrets_are_on_no_command_line(here: Project) -> None:
    told = json.loads((here.folder / ".hfecs" / "cloud.json").read_text())
    ssm = boto3.session.Session("local", "local", region_name="us-east-1").client(
        "ssm", endpoint_url=told["endpoint_url"]
    )
    parameters = ssm.get_parameters_by_path(Path="/hfecs", Recursive=True, WithDecryption=True)["Parameters"]
    secrets = {parameter["Value"] for parameter in parameters}

    processes = processes_of(here.folder / ".hfecs")
    lines = [Path(f"/proc/{process.pid}/cmdline").read_bytes().decode() for process in processes]

    assert len(secrets) == 5
    assert any("rabbit" in line for line in lines)
    assert [line for line in lines for secret in secrets if secret in line] == []


def test_grafana_would_find_its_files(here: Project) -> None:
    folder: Path = next(here.folder.glob(".hfecs/machines/*/volumes/provisioning"))

    assert sorted(path.stem for path in (folder / "dashboards").glob("*.json")) == NAMES
    assert (folder / "provisioning" / "datasources" / "influxdb.yaml").exists()


def test_runs_go_on_without_the_monitoring(here: Project) -> None:
    """The last one: it takes the monitoring away. The workers that come now are started with its secret, too."""
    said = here.done("--local", "monitoring", "down", "--yes")
    jobs = [{"name": "copy", "command": "cp begin end", "ins": ["begin"], "outs": ["end"]}]

    here.done("--local", "run", here.write_workflow("unwatched", jobs, {"begin": "light"}), "--bucket", "watched-run")

    assert "influxdb-writer-password" in said
    here.done("--local", "cluster", "up", "--yes")
    parameters = here.hfecs("--local", "monitoring", "status")
    assert "has no monitoring" in parameters.stderr + parameters.stdout
