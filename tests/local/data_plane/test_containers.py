from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from hfecs.local.data_plane.containers import CannotStart, Place, Program, image_of, program_of

PLACE = Place("task/worker", "127.16.0.4", Path("scratch"), {"AWS_ENDPOINT_URL": "http://127.16.0.1:4566"})
PARAMETERS = {"/hfecs/password": "sesame"}


def program(definition: dict[str, Any], override: dict[str, Any] | None = None) -> Program:
    complete = {"name": "worker", "image": "hfecs-local/worker", "command": ["hfecs", "agent", "worker"], **definition}
    return program_of(complete, override or {}, PLACE, PARAMETERS.get)


def test_our_own_image_runs_its_command_with_this_very_hfecs() -> None:
    assert program({}).argv == [sys.executable, "-m", "hfecs", "agent", "worker"]


def test_an_entry_point_stands_before_the_command_and_an_override_replaces_the_command() -> None:
    started = program({"entryPoint": ["sh", "-c"], "command": ["exit 1"]}, {"command": ["exit 0"]})

    assert started.argv == ["sh", "-c", "exit 0"]


def test_the_environment_has_settings_secrets_overrides_and_the_way_to_this_cloud() -> None:
    definition = {
        "environment": [{"name": "THREADS", "value": "2"}, {"name": "STORAGE", "value": "s3"}],
        "secrets": [{"name": "PASSWORD", "valueFrom": "/hfecs/password"}],
        "portMappings": [{"containerPort": 5672, "hostPort": 5673}, {"containerPort": 15672}],
    }

    environment = program(definition, {"environment": [{"name": "THREADS", "value": "4"}]}).environment

    expected = {
        "THREADS": "4",
        "STORAGE": "s3",
        "PASSWORD": "sesame",
        "AWS_ENDPOINT_URL": "http://127.16.0.1:4566",
        "HFECS_ADDRESS": "127.16.0.4",
        "HFECS_PORTS": "5672:5673,15672:15672",
        "TMPDIR": "scratch",
    }
    assert expected.items() <= environment.items()


def test_the_callers_own_variables_stay_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "private")

    assert "AWS_PROFILE" not in program({}).environment


def test_a_secret_that_cannot_be_read_is_named() -> None:
    with pytest.raises(CannotStart, match=r"ResourceInitializationError.*/hfecs/other for PASSWORD"):
        program({"secrets": [{"name": "PASSWORD", "valueFrom": "/hfecs/other"}]})


def test_an_image_that_nobody_knows_cannot_be_pulled() -> None:
    with pytest.raises(CannotStart, match=r"CannotPullContainerError.*'nginx:1'"):
        program({"image": "nginx:1"})


def test_our_own_image_needs_a_command() -> None:
    with pytest.raises(CannotStart, match="No command specified"):
        program({"command": []})


@pytest.mark.parametrize("name", ["rabbitmq:3.13-management", "registry.example/library/rabbitmq@sha256:0", "rabbitmq"])
def test_a_stock_image_is_known_under_any_registry_and_tag(name: str) -> None:
    image = image_of(name)

    assert image is not None
    assert image.package == "rabbitmq-server"


def test_a_path_inside_a_volume_is_where_the_volume_lies() -> None:
    place = Place("task/files", "127.16.0.4", Path("scratch"), {}, {"/data": Path("/cloud/volumes/data")})
    definition = {
        "image": "hfecs-local/hfecs",
        "command": ["hfecs", "agent", "grafana-files", "/data/files"],
        "environment": [{"name": "HOME_OF_DATA", "value": "/data"}, {"name": "OTHER", "value": "/database"}],
    }

    started = program_of(definition, {}, place, PARAMETERS.get)

    assert started.argv[-1] == "/cloud/volumes/data/files"
    assert started.environment["HOME_OF_DATA"] == "/cloud/volumes/data"
    assert started.environment["OTHER"] == "/database"
    assert started.environment["HFECS_VOLUMES"] == "/data:/cloud/volumes/data"


def test_a_stock_image_is_stood_for_by_its_module_whatever_its_command() -> None:
    started = program({"image": "telegraf:1.34", "command": ["/bin/sh", "-c", "exec telegraf"]})

    assert started.argv == [sys.executable, "-m", "hfecs.local.stand_ins.telegraf"]
