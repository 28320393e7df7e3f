"""What a person sees who has set up nothing yet: one sentence, and a way that works."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from commands.conftest import CONFIGURATION, Hfecs
from hfecs.provisioning.state import State
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
    assert State.load(project / "hfecs.state.json").of("hyperflow").stacks() == []


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


@pytest.mark.usefixtures("bare")
def test_a_configuration_that_was_named_must_exist(hfecs: Hfecs, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = hfecs("--config", "hfces.toml", "cluster", "up")

    assert answer.code == 2
    assert answer.talk.startswith("error: File hfces.toml does not exist.")

    monkeypatch.setenv("HFECS_CONFIG", "hfces.toml")
    assert hfecs("cluster", "up").code == 2


@pytest.mark.usefixtures("bare", "with_keys")
@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("AWS_ENDPOINT_URL", "nonsense"),
        ("AWS_ENDPOINT_URL", "http://[::1"),
        ("HFECS_AWS_ENDPOINT_URL", "ftp://127.0.0.1"),
        ("AWS_REGION", "us_east_1"),
        ("AWS_DEFAULTS_MODE", "nonsense"),
        ("AWS_CONFIG_FILE", "hfecs.toml"),
    ],
)
def test_settings_for_aws_that_cannot_be_used_are_misuse(
    project: Path, hfecs: Hfecs, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    (project / "hfecs.toml").write_text("# no INI\n[[broken\n" if variable == "AWS_CONFIG_FILE" else "")
    arguments = ["--config", "/dev/null"] if variable == "AWS_CONFIG_FILE" else []
    monkeypatch.setenv(variable, value)

    answer = hfecs(*arguments, "status")

    assert answer.code == 2
    assert answer.talk.count("error:") == answer.talk.count("hint:") == 1


@pytest.mark.usefixtures("bare")
def test_a_project_in_a_file_is_misuse(hfecs: Hfecs) -> None:
    answer = hfecs("agent", "grafana-files", "hfecs.toml")

    assert answer.code == 2
    assert answer.talk.startswith("error: hfecs.toml cannot be used: ")


@pytest.mark.usefixtures("bare")
def test_a_full_disk_under_the_data_is_told() -> None:
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "hfecs", "config", "show", "--json"]
        ended = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)

    assert ended.returncode == 1
    assert ended.stderr.startswith("error: A file cannot be written or read: No space left on device.")


@pytest.mark.usefixtures("bare")
def test_nobody_has_to_listen() -> None:
    command = f"{sys.executable} -m hfecs config show --json >&- 2>&-"

    assert subprocess.run(["sh", "-c", command], check=False).returncode == 0


@pytest.mark.usefixtures("bare")
@pytest.mark.parametrize(
    "arguments",
    [
        ["--attach", "--stop"],
        ["job", "--attach"],
        ["job", "--stop"],
        ["job", "--run", "one"],
        ["job", "--var", "name"],
        ["job", "--var", "1=2"],
        ["job", "--var", "a=1", "--var", "a=2"],
        ["--attach", "--var", "a=1"],
        ["--resume", "one", "--var", "a=1"],
        ["job", "--download", "hfecs.toml"],
        ["--attach", "--download", "hfecs.toml/below"],
    ],
    ids=" ".join,
)
def test_a_run_with_options_that_do_not_fit_is_misuse_at_once(hfecs: Hfecs, arguments: list[str]) -> None:
    answer = hfecs("run", *arguments)

    assert answer.code == 2
    assert answer.talk.count("error:") == answer.talk.count("hint:") == 1
    assert "region" not in answer.talk


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (["status"], 0),
        (["runs"], 0),
        (["logs"], 0),
        (["runs", "show", "x"], 2),
        (["runs", "compare", "x", "y"], 2),
        (["report"], 2),
        (["report", "x"], 2),
        (["export", "x", "--format", "csv"], 2),
        (["run", "--attach"], 2),
    ],
    ids=str,
)
def test_what_only_looks_starts_no_local_cloud(hfecs: Hfecs, bare: Path, command: list[str], code: int) -> None:
    answer = hfecs("--local", *command)

    assert answer.code == code
    assert "No local cloud is running here" in answer.talk + answer.data
    assert not (bare / ".hfecs").exists()
