"""What a person sees who has set up nothing yet: one sentence, and a way that works."""

from __future__ import annotations

from pathlib import Path

import pytest

from commands.conftest import CONFIGURATION, Hfecs
from hfecs.state import State
from support import KEYS

COMMANDS = [["cluster", "up"], ["plan"], ["status"], ["destroy", "--yes"]]


@pytest.fixture
def with_keys(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("bare")
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_no_credentials_are_one_sentence_and_a_hint(
    hfecs: Hfecs, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    monkeypatch.setenv("AWS_REGION", "us-east-1")

    answer = hfecs(*command)

    assert answer.code == 2
    assert answer.talk.count("error:") == 1
    assert "No AWS credentials can be used" in answer.talk
    assert "AWS_PROFILE" in answer.talk
    assert "hfecs --local" in answer.talk


@pytest.mark.usefixtures("bare", "with_keys")
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_no_region_is_one_sentence_and_a_hint(hfecs: Hfecs, command: list[str]) -> None:
    answer = hfecs(*command)

    assert answer.code == 2
    assert answer.talk.count("error:") == 1
    assert "No AWS region is set." in answer.talk
    assert "AWS_REGION" in answer.talk
    assert "hfecs --local" in answer.talk


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize("command", [["cluster", "up"], ["plan"]], ids=" ".join)
def test_no_images_are_one_sentence_and_a_hint(project: Path, hfecs: Hfecs, command: list[str]) -> None:
    (project / "hfecs.toml").write_text("")

    answer = hfecs(*command)

    assert answer.code == 2
    assert answer.talk.count("error:") == 1
    assert "images.hfecs and images.worker" in answer.talk
    assert "hfecs --local" in answer.talk
    assert State.load(project / "hfecs.state.json").stacks() == []


@pytest.mark.usefixtures("bare")
def test_a_profile_that_is_not_there_is_named(bare: Path, hfecs: Hfecs) -> None:
    (bare / "hfecs.toml").write_text(CONFIGURATION + '[aws]\nprofile = "nobody"\nregion = "us-east-1"\n')

    answer = hfecs("cluster", "up")

    assert answer.code == 2
    assert "nobody" in answer.talk


@pytest.mark.usefixtures("project")
def test_faults_of_the_configuration_are_listed(project: Path, hfecs: Hfecs) -> None:
    (project / "hfecs.toml").write_text('[cluster]\nname = "1"\n[ports]\namqp = 0\n')

    answer = hfecs("cluster", "up")

    assert answer.code == 2
    assert "hfecs.toml, line 2" in answer.talk
    assert "hfecs.toml, line 4" in answer.talk


@pytest.mark.usefixtures("project")
def test_a_state_file_that_is_damaged_is_named(project: Path, hfecs: Hfecs) -> None:
    (project / "hfecs.state.json").write_text("{")

    answer = hfecs("cluster", "up")

    assert answer.code == 2
    assert "hfecs.state.json cannot be read" in answer.talk


@pytest.mark.usefixtures("project")
def test_the_configuration_and_the_state_lie_where_they_are_named(project: Path, hfecs: Hfecs) -> None:
    elsewhere = project / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "my.toml").write_text(CONFIGURATION + '[cluster]\nname = "mine"\n')

    answer = hfecs("--config", str(elsewhere / "my.toml"), "--state", str(elsewhere / "my.state"), "cluster", "up")

    assert "Cluster mine: " in answer.talk
    assert (elsewhere / "my.state").exists()
    assert not (project / "hfecs.state.json").exists()


@pytest.mark.usefixtures("project")
def test_the_state_lies_beside_the_configuration(project: Path, hfecs: Hfecs) -> None:
    (project / "deep").mkdir()
    (project / "deep/hfecs.toml").write_text(CONFIGURATION)

    hfecs("--config", "deep/hfecs.toml", "cluster", "up")

    assert (project / "deep/hfecs.state.json").exists()
