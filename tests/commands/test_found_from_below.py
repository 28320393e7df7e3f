"""A project is found from the folders in it, as git finds its repository; and which one is meant is said."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from commands.conftest import Hfecs

SAID = "Using the project in "


@pytest.fixture
def below(lasting: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder two levels below a project whose cluster stands."""
    folder = lasting / "data" / "tiles"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    return folder


def test_the_cluster_of_the_folder_above_is_meant_and_said(below: Path, hfecs: Hfecs) -> None:
    answer = hfecs("status", "--json")

    assert json.loads(answer.data)["machines"][0]["name"] == "master"
    assert answer.talk == f"{SAID}{below.parents[1]}\n"
    assert list(below.iterdir()) == []


def test_in_the_folder_itself_nothing_is_said(lasting: Path, hfecs: Hfecs) -> None:
    assert SAID not in hfecs("status").talk


def test_a_state_file_alone_makes_a_project(below: Path, hfecs: Hfecs) -> None:
    (below.parents[1] / "hfecs.toml").unlink()

    assert json.loads(hfecs("status", "--json", "--set", "images.hfecs=x").data)["machines"]


def test_the_nearest_project_is_meant(below: Path, hfecs: Hfecs) -> None:
    (below.parent / "hfecs.toml").write_text('[cluster]\nname = "nearer"\n')

    answer = hfecs("config", "show", "--json")

    assert json.loads(answer.data)["cluster.name"]["value"] == "nearer"
    assert answer.talk == f"{SAID}{below.parent}\n"


def test_what_is_named_is_meant_and_not_what_is_found(
    below: Path, hfecs: Hfecs, monkeypatch: pytest.MonkeyPatch
) -> None:
    (below / "other.toml").write_text('[cluster]\nname = "other"\n')
    by_flag = hfecs("--config", "other.toml", "config", "show", "--json")
    monkeypatch.setenv("HFECS_CONFIG", "other.toml")
    by_variable = hfecs("config", "show", "--json")
    absent = hfecs("--config", "nowhere.toml", "config", "show")

    for answer in (by_flag, by_variable):
        assert json.loads(answer.data)["cluster.name"]["value"] == "other"
        assert SAID not in answer.talk
    assert absent.code == 2


def test_the_home_directory_is_no_project_of_the_folders_in_it(
    below: Path, hfecs: Hfecs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(below.parents[1]))

    answer = hfecs("config", "show", "--json")

    assert json.loads(answer.data)["images.worker"]["from"] == "default"
    assert SAID not in answer.talk


def test_paths_in_a_configuration_are_relative_to_it(below: Path, hfecs: Hfecs) -> None:
    project = below.parents[1]
    (project / "hfecs.toml").write_text('[run]\njob_directory = "flow"\ninputs = "/data/in"\n')

    told = json.loads(hfecs("config", "show", "--json").data)

    assert (told["run.job_directory"]["value"], told["run.inputs"]["value"]) == (str(project / "flow"), "/data/in")
