"""hfecs monitoring, from its options to what it shows."""

from __future__ import annotations

import json
import webbrowser
from pathlib import Path

import pytest

from commands.conftest import Hfecs
from hfecs.aws.clients import Cloud
from hfecs.blueprints import monitoring
from hfecs.provisioning.state import State

pytestmark = pytest.mark.usefixtures("project")


@pytest.fixture(autouse=True)
def nobody_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """The addresses of moto's machines belong to others: a proxy that is not there keeps the tests from them."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture
def up(project: Path, hfecs: Hfecs) -> None:
    assert hfecs("monitoring", "up").code == 0


def passwords(server: Cloud) -> list[str]:
    names = [f"/hfecs/hyperflow/{name}" for name in monitoring.PASSWORDS]
    answer = server.ssm.get_parameters(Names=names, WithDecryption=True)
    return [parameter["Value"] for parameter in answer["Parameters"]]


def test_up_sums_up_and_says_where_to_look(hfecs: Hfecs) -> None:
    answer = hfecs("monitoring", "up")

    assert "Monitoring of cluster hyperflow: 14 created" in answer.talk
    assert "hfecs monitoring status" in answer.talk


def test_options_go_before_the_file(hfecs: Hfecs, server: Cloud) -> None:
    assert hfecs("monitoring", "up", "--instance-type", "t2.small", "--name", "stars").code == 0

    (machine,) = server.ec2.describe_instances()["Reservations"][0]["Instances"]
    assert machine["InstanceType"] == "t2.small"
    assert server.ecs.describe_clusters(clusters=["hfecs-stars-monitoring"])["clusters"][0]["status"] == "ACTIVE"


@pytest.mark.usefixtures("up")
def test_status_names_addresses_and_accounts_and_hides_passwords_from_pipes(hfecs: Hfecs, server: Cloud) -> None:
    answer = hfecs("monitoring", "status")

    assert answer.code == 0
    for word in (
        "Grafana",
        "InfluxDB",
        ":3000",
        ":8086",
        "admin",
        "write hyperflow_tests",
        "--show-passwords",
        "does not answer",
    ):
        assert word in answer.data
    assert [password for password in passwords(server) if password in answer.talk + answer.data] == []


@pytest.mark.usefixtures("up")
def test_status_shows_passwords_when_asked_to(hfecs: Hfecs, server: Cloud) -> None:
    answer = hfecs("monitoring", "status", "--show-passwords")

    known = passwords(server)
    assert len(known) == 4
    assert [password for password in known if password not in answer.data] == []


@pytest.mark.usefixtures("up")
def test_status_for_machines_goes_to_stdout(hfecs: Hfecs, server: Cloud) -> None:
    told = json.loads(hfecs("monitoring", "status", "--json").data)

    assert [part["part"] for part in told["parts"]] == ["Grafana", "InfluxDB"]
    assert not {account["password"] for account in told["accounts"]} & set(passwords(server))


def test_the_status_of_nothing_says_how_to_make_something(hfecs: Hfecs) -> None:
    answer = hfecs("monitoring", "status")

    assert answer.code == 0
    assert "Cluster hyperflow has no monitoring. Create it: hfecs monitoring up" in answer.data


@pytest.mark.usefixtures("up")
def test_open_says_the_address_where_there_is_no_browser(hfecs: Hfecs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webbrowser, "open", lambda address: False)

    answer = hfecs("monitoring", "open")

    assert answer.data.startswith("http://")
    assert answer.data.endswith(":3000\n")


@pytest.mark.usefixtures("up")
def test_open_opens_a_browser(hfecs: Hfecs, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []

    def open_browser(address: str) -> bool:
        opened.append(address)
        return True

    monkeypatch.setattr(webbrowser, "open", open_browser)

    answer = hfecs("monitoring", "open")

    assert len(opened) == 1
    assert answer.data == ""


def test_open_without_monitoring_says_how_to_make_it(hfecs: Hfecs) -> None:
    answer = hfecs("monitoring", "open")

    assert answer.code == 2
    assert "hint: create it: hfecs monitoring up" in answer.talk


@pytest.mark.usefixtures("up")
def test_down_asks_first(hfecs: Hfecs) -> None:
    answer = hfecs("monitoring", "down")

    assert answer.code == 3
    assert "Nothing was deleted." in answer.talk


@pytest.mark.usefixtures("up")
def test_destroy_removes_the_monitoring_too(hfecs: Hfecs, server: Cloud, project: Path) -> None:
    answer = hfecs("destroy", "--yes")

    assert answer.code == 0
    assert "- instance monitoring" in answer.talk
    assert State.load(project / "hfecs.state.json").clusters() == []


@pytest.mark.parametrize("value", ["influx:8086/db", "http://influx:8086", "ftp://influx/db"])
def test_an_influxdb_that_cannot_be_one_is_refused_before_anything_is_made(
    hfecs: Hfecs, server: Cloud, value: str
) -> None:
    answer = hfecs("cluster", "up", "--influx-url", value)

    assert answer.code == 2
    assert "--influx-url" in answer.talk
    assert server.ecs.list_clusters()["clusterArns"] == []
