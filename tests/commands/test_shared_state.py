"""Commands whose state lies in S3, against a server that stands in for AWS."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from commands.conftest import CONFIGURATION, Hfecs
from hfecs.aws.clients import Cloud
from hfecs.provisioning.state import BucketStore, State

PLACE = "s3://team-state/cluster/hyperflow.json"


@pytest.fixture
def team(project: Path, server: Cloud) -> Iterator[Path]:
    """A project whose team has a bucket for its state."""
    server.s3.create_bucket(Bucket="team-state")
    (project / "hfecs.toml").write_text(f'state = "{PLACE}"\n{CONFIGURATION}')
    yield project


def objects(server: Cloud) -> list[str]:
    return [item["Key"] for item in server.s3.list_objects_v2(Bucket="team-state").get("Contents", [])]


def test_a_cluster_is_written_down_in_the_bucket_and_found_there_from_another_machine(
    team: Path, server: Cloud, hfecs: Hfecs
) -> None:
    assert hfecs("cluster", "up").code == 0

    assert objects(server) == ["cluster/hyperflow.json"]
    assert list(team.glob("*.json*")) == []
    again = hfecs("cluster", "up")
    assert "Cluster hyperflow: 0 created" in again.talk
    assert len(State(BucketStore(server, PLACE)).of("hyperflow").records("cluster")) > 20


def test_destroy_empties_the_state_and_leaves_its_bucket_also_with_delete_data(
    team: Path, server: Cloud, hfecs: Hfecs
) -> None:
    hfecs("cluster", "up")
    tags = [{"Key": f"hfecs:{key}", "Value": value} for key, value in {"cluster": "hyperflow", "stack": "run"}.items()]
    server.s3.put_bucket_tagging(Bucket="team-state", Tagging={"TagSet": tags})  # type: ignore[typeddict-item]

    answer = hfecs("destroy", "--yes", "--delete-data")

    assert answer.code == 0
    assert objects(server) == ["cluster/hyperflow.json"]
    assert State(BucketStore(server, PLACE)).clusters() == []


def test_a_colleague_who_works_on_it_is_named(team: Path, server: Cloud, hfecs: Hfecs) -> None:
    with State(BucketStore(server, PLACE)).locked("cluster up"):
        answer = hfecs("destroy", "--yes")

    assert answer.code == 3
    assert f"{PLACE} is locked by 'hfecs cluster up' of " in answer.talk


def test_a_plan_takes_no_lock_and_writes_nothing(team: Path, server: Cloud, hfecs: Hfecs) -> None:
    with State(BucketStore(server, PLACE)).locked("cluster up"):
        before = objects(server)
        assert hfecs("plan").code == 0
        assert objects(server) == before


@pytest.mark.parametrize("way", ["option", "variable"])
def test_a_bucket_that_nobody_made_is_misuse(
    project: Path, hfecs: Hfecs, server: Cloud, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    if way == "variable":
        monkeypatch.setenv("HFECS_STATE", PLACE)

    answer = hfecs(*(["--state", PLACE] if way == "option" else []), "cluster", "up")

    assert answer.code == 2
    assert f"The bucket of state {PLACE} does not exist." in answer.talk
    assert f"aws --endpoint-url {server.endpoint_url} s3 mb s3://team-state" in answer.talk
    assert server.ecs.list_clusters()["clusterArns"] == []


@pytest.mark.parametrize(
    "place", ["s3://", "s3://team-state", "s3://team-state/", "s3:/team-state/key", "s3://Team/key"]
)
def test_a_place_that_is_none_is_misuse(project: Path, hfecs: Hfecs, place: str) -> None:
    answer = hfecs("--state", place, "plan")

    assert answer.code == 2
    assert "should be a file, or an object such as s3://my-team-state/hyperflow.json" in answer.talk


def test_a_state_file_that_the_configuration_names_lies_beside_it(project: Path, hfecs: Hfecs) -> None:
    folder = project / "configuration"
    folder.mkdir()
    (folder / "my.toml").write_text(f'state = "mine.json"\n{CONFIGURATION}')

    assert hfecs("--config", str(folder / "my.toml"), "cluster", "up").code == 0

    assert json.loads((folder / "mine.json").read_text())["clusters"]["hyperflow"]["stacks"]["cluster"]["resources"]


def test_the_place_of_the_state_is_a_setting(team: Path, hfecs: Hfecs) -> None:
    shown = json.loads(hfecs("config", "show", "--json").data)

    assert shown["state"] == {"value": PLACE, "from": "hfecs.toml, line 1"}
