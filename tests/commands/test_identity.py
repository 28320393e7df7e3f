"""What a command works on, typed once: the state, the hints and the refusals remember it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from commands.conftest import Hfecs
from hfecs.aws.clients import Cloud
from support import write_job

pytestmark = pytest.mark.usefixtures("project")

# Every command that works on a cluster which stands already.
READING = [
    ["status"],
    ["plan"],
    ["logs"],
    ["monitoring", "status"],
    ["run", "job", "--bucket", "some-bucket"],
    ["run", "--attach"],
    ["run", "--stop"],
    ["run", "--resume", "one"],
]
CHANGING = [["cluster", "up"], ["monitoring", "up"], ["destroy", "--yes"], ["cluster", "down", "--yes"]]


def words(command: list[str]) -> str:
    return " ".join(command)


def recorded(folder: Path) -> dict[str, int]:
    """How many records each cluster has in the state file."""
    clusters = json.loads((folder / "hfecs.state.json").read_text())["clusters"]
    return {
        name: sum(len(stack["resources"]) for stack in cluster["stacks"].values()) for name, cluster in clusters.items()
    }


def ecs_clusters(server: Cloud) -> list[str]:
    arns = server.ecs.list_clusters()["clusterArns"]
    described = server.ecs.describe_clusters(clusters=arns)["clusters"] if arns else []
    return sorted(cluster["clusterName"] for cluster in described if cluster["status"] == "ACTIVE")


def test_a_name_that_was_typed_once_is_meant_by_later_commands(project: Path, hfecs: Hfecs, server: Cloud) -> None:
    hfecs("cluster", "up", "--name", "mine")

    assert "hfecs-mine" not in hfecs("status").data
    assert re.search("Machines\n.*\nmaster", hfecs("status").data)
    assert "Plan for cluster mine: 0 to create" in hfecs("plan").data
    answer = hfecs("destroy", "--yes")

    assert "Destroyed everything of cluster mine" in answer.talk
    assert recorded(project) == {"mine": 0}
    assert ecs_clusters(server) == []


def test_two_clusters_in_one_folder_stand_side_by_side_and_go_alone(project: Path, hfecs: Hfecs, server: Cloud) -> None:
    assert hfecs("cluster", "up", "--name", "a").code == 0
    before = recorded(project)["a"]
    assert hfecs("cluster", "up", "--name", "b").code == 0

    assert ecs_clusters(server) == ["hfecs-a-cluster", "hfecs-b-cluster"]
    assert hfecs("destroy", "--yes", "--name", "b").code == 0
    assert recorded(project) == {"a": before, "b": 0}
    assert "Plan for cluster a: 0 to create" in hfecs("plan").data


@pytest.mark.parametrize("command", [*READING, *CHANGING], ids=words)
def test_with_two_clusters_and_no_name_a_command_asks_which(
    project: Path, hfecs: Hfecs, command: list[str], tmp_path: Path
) -> None:
    write_job(tmp_path / "job")
    clusters = {name: {"stacks": {"cluster": {"resources": [RECORD]}}} for name in ("a", "b")}
    state = {"version": 2, "lineage": "l", "serial": 1, "clusters": clusters}
    (project / "hfecs.state.json").write_text(json.dumps(state))

    answer = hfecs(*command)

    assert answer.code == 2
    assert "has clusters a and b, and none was named" in answer.talk
    assert "hint: choose one: --name a" in answer.talk


RECORD = {"kind": "instance", "name": "master", "id": "i-1", "created": "2026-01-01T00:00:00+00:00"}


@pytest.mark.parametrize("before", [True, False], ids=["before the verb", "after it"])
def test_a_name_can_stand_before_the_verb_and_after_it(hfecs: Hfecs, before: bool) -> None:
    name = ["--name", "other"]

    answer = hfecs(*(name if before else []), "status", *([] if before else name))

    assert "Cluster other does not exist in us-east-1. Create it: hfecs --name other cluster up" in answer.data


def test_the_name_behind_the_verb_goes_before_the_one_in_front(hfecs: Hfecs) -> None:
    assert "Cluster b does" in hfecs("--name", "a", "status", "--name", "b").data


def test_all_options_of_hfecs_are_taken_behind_the_verb(project: Path, hfecs: Hfecs) -> None:
    (project / "other.toml").write_text((project / "hfecs.toml").read_text() + '[cluster]\nname = "of-the-file"\n')

    answer = hfecs("status", "--config", "other.toml", "--state", "elsewhere.json")

    create = "hfecs --config other.toml --state elsewhere.json cluster up"
    assert f"Cluster of-the-file does not exist in us-east-1. Create it: {create}" in answer.data
    assert "Cluster set does" in hfecs("status", "--set", "cluster.name=set").data
    assert hfecs("status", "--config", "nowhere.toml").code == 2


def test_a_forgotten_state_is_told_by_what_stands_elsewhere(project: Path, hfecs: Hfecs) -> None:
    hfecs("--state", "elsewhere.json", "cluster", "up", "--name", "mine")

    assert "cluster mine exists there: hfecs --name mine status" in hfecs("status").talk
    assert "cluster mine exists there: hfecs --name mine destroy" in hfecs("destroy", "--yes").talk
    write_job(project / "job")
    refused = hfecs("run", "job", "--bucket", "some-bucket")
    assert refused.code == 2
    assert "There is no cluster hyperflow in us-east-1" in refused.talk
    assert "cluster mine exists there: hfecs --name mine run" in refused.talk


def test_the_region_of_the_state_is_meant_where_none_is_said(
    project: Path, hfecs: Hfecs, monkeypatch: pytest.MonkeyPatch
) -> None:
    hfecs("cluster", "up", "--set", "aws.region=eu-west-1")
    monkeypatch.delenv("AWS_REGION")

    assert re.search("Machines\n.*\nmaster", hfecs("status").data)


@pytest.mark.parametrize("command", [*READING, *CHANGING], ids=words)
@pytest.mark.parametrize(
    ("target", "known", "actual"), [("region", "eu-west-1", "us-east-1"), ("account", "999999999999", "123456789012")]
)
def test_another_region_or_account_than_that_of_the_state_is_refused(
    project: Path, hfecs: Hfecs, command: list[str], target: str, known: str, actual: str
) -> None:
    write_job(project / "job")
    state = {"version": 2, "lineage": "l", "serial": 1, target: known, "clusters": {}}
    (project / "hfecs.state.json").write_text(json.dumps(state))

    answer = hfecs(*command)

    assert answer.code == 2
    assert f"belongs to {target} {known}, but this command works on {actual}" in answer.talk


def test_where_the_name_comes_from_is_shown(project: Path, hfecs: Hfecs) -> None:
    hfecs("cluster", "up", "--name", "mine")

    shown = json.loads(hfecs("config", "show", "--json").data)

    assert shown["cluster.name"] == {"value": "mine", "from": "hfecs.state.json"}
