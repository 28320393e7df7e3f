"""hfecs config, and options that set keys."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from commands.conftest import Hfecs
from hfecs.aws.clients import Cloud
from hfecs.commands.options import CLUSTER, RUN, Option
from hfecs.config.load import keys
from support import write_job

SECRET = "amqp://me:pass-word@rabbit.example.org"


def test_the_configuration_is_shown_with_its_origins(bare: Path, hfecs: Hfecs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HFECS_SCALING_ASG_MAX", "6")

    answer = hfecs("--set", "cluster.name=mine", "config", "show")

    rows = {line.split()[0]: line.split()[1:] for line in answer.data.splitlines()[2:]}
    assert answer.code == 0
    assert set(rows) == set(keys())
    assert rows["scaling.asg_max"] == ["6", "HFECS_SCALING_ASG_MAX"]
    assert rows["cluster.name"] == ["mine", "--set", "cluster.name"]
    assert rows["images.hfecs"] == ["hfecs:1", "hfecs.toml,", "line", "5"]


def test_the_configuration_is_data_for_machines(bare: Path, hfecs: Hfecs) -> None:
    shown = json.loads(hfecs("config", "show", "--json").data)

    assert shown["ports.amqp"] == {"value": 5672, "from": "default"}


def test_secrets_are_masked(bare: Path, hfecs: Hfecs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HFECS_BROKER_AMQP_URL", SECRET)

    answers = [hfecs("config", "show"), hfecs("config", "show", "--json")]

    assert all("pass-word" not in answer.talk + answer.data for answer in answers)
    assert json.loads(answers[1].data)["broker.amqp_url"]["value"] == "**********"


def test_showing_starts_no_local_cloud(bare: Path, hfecs: Hfecs) -> None:
    assert hfecs("--local", "config", "show").code == 0
    assert not (bare / ".hfecs").exists()


def test_faults_of_options_are_told_with_those_of_the_file(bare: Path, hfecs: Hfecs) -> None:
    with (bare / "hfecs.toml").open("a") as file:
        file.write("[scaling]\nasg_min = -1\n")

    answer = hfecs("cluster", "up", "--asg-max", "many", "--instance-type", "big")

    assert answer.code == 2
    assert "hfecs.toml, line 8: scaling.asg_min should be between 0 and 1000, not -1" in answer.talk
    assert "--asg-max: scaling.asg_max should be a whole number, not 'many'" in answer.talk
    assert "--instance-type: cluster.instance_type should be an EC2 instance type" in answer.talk


@pytest.mark.parametrize("option", [*CLUSTER, *RUN], ids=lambda option: option.key)
def test_every_option_sets_a_key_that_exists(option: Option) -> None:
    assert option.key in keys()


def test_a_run_takes_its_directory_and_bucket_from_the_configuration(
    standing: Path, hfecs: Hfecs, server: Cloud
) -> None:
    write_job(standing / "job")
    server.s3.create_bucket(Bucket="of-a-stranger")
    with (standing / "hfecs.toml").open("a") as file:
        file.write('[run]\njob_directory = "job"\nbucket = "of-a-stranger"\n')

    answer = hfecs("run")

    assert "Workflow copy: 1 jobs" in answer.talk
    assert "The bucket of-a-stranger (of-a-stranger) exists and does not carry the tags" in answer.talk
