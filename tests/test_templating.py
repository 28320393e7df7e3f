from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from hfecs import templating
from hfecs.errors import TemplateInvalid

TEMPLATES = templating.templates()
DOCUMENTS = [path.relative_to(TEMPLATES).as_posix() for path in sorted(TEMPLATES.rglob("*.json"))]
NUMBERS = ("port", "memory", "stop_timeout")
SCRIPT = "user-data/machine.sh"


def values_of(name: str, **known: Any) -> dict[str, Any]:
    """A value for each placeholder of a template."""
    keys = set(templating.PLACEHOLDER.findall((TEMPLATES / name).read_text()))
    return {key: 5672 if key.endswith(NUMBERS) else f"<{key}>" for key in keys} | known


def script_of_a_machine(role: str) -> str:
    return templating.text(SCRIPT, **values_of(SCRIPT, cluster="c", role=role, end_with_task="true"))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that stands for templates/."""
    monkeypatch.setattr(templating, "templates", lambda: tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_document_is_json_before_and_after(name: str) -> None:
    json.loads((TEMPLATES / name).read_text())

    filled = json.dumps(templating.document(name, **values_of(name)))

    assert not templating.PLACEHOLDER.search(filled)


def test_there_are_documents_of_all_kinds() -> None:
    assert {name.partition("/")[0] for name in DOCUMENTS} >= {"policies", "task-definitions"}


@pytest.mark.parametrize("role", ["master", "worker", "runner"])
def test_the_script_of_a_machine_is_bash_after_rendering(role: str) -> None:
    script = script_of_a_machine(role)

    subprocess.run(["bash", "-n"], input=script, text=True, check=True)
    assert not templating.PLACEHOLDER.search(script)


def test_the_script_of_a_machine_gives_the_agent_its_cluster_and_role() -> None:
    script = script_of_a_machine("worker")

    attributes = re.search(r"^ECS_INSTANCE_ATTRIBUTES=(.*)$", script, re.MULTILINE)
    assert attributes
    assert json.loads(attributes[1]) == {"hfecs.role": "worker"}
    assert "\nECS_CLUSTER=c\n" in script


def test_the_script_of_a_machine_does_not_wait_for_units_that_wait_for_it() -> None:
    script = (TEMPLATES / SCRIPT).read_text()

    starts = re.findall(r"systemctl (?:re)?start .*", script)
    assert starts
    assert all("--no-block" in start for start in starts)


def test_the_script_of_a_machine_fits_into_user_data() -> None:
    assert len((TEMPLATES / SCRIPT).read_bytes()) < 16_000


@pytest.mark.parametrize("name", [name for name in DOCUMENTS if name.startswith("task-definitions/")])
def test_no_task_definition_has_a_secret_in_its_environment(name: str) -> None:
    values = values_of(name)
    passwords = {value for key, value in values.items() if "password" in key}

    filled = templating.document(name, **values)

    containers = filled["containerDefinitions"]
    assert passwords == {entry["valueFrom"] for container in containers for entry in container.get("secrets", [])}
    environment = [pair["value"] for container in containers for pair in container.get("environment", [])]
    assert not [text for text in environment for password in passwords if password in str(text)]


@pytest.mark.parametrize("value", [5672, 1.5, True, None, ["a"], {"b": 1}])
def test_a_placeholder_alone_takes_the_type_of_its_value(folder: Path, value: object) -> None:
    (folder / "x.json").write_text('{"port": "${port}"}')

    assert templating.document("x.json", port=value) == {"port": value}


def test_a_placeholder_among_text_becomes_text(folder: Path) -> None:
    (folder / "x.json").write_text('{"url": ["amqp://${host}:${port}", 1]}')

    assert templating.document("x.json", host="h", port=5672) == {"url": ["amqp://h:5672", 1]}


def test_a_value_is_not_filled_in_twice(folder: Path) -> None:
    (folder / "x.json").write_text('{"a": "${a} ${b}"}')

    assert templating.document("x.json", a="${b}", b="2") == {"a": "${b} 2"}


def test_a_value_with_quotes_stays_one_text(folder: Path) -> None:
    (folder / "x.json").write_text('{"a": "say ${a}"}')

    assert templating.document("x.json", a='"hi"\n') == {"a": 'say "hi"\n'}


def test_variables_of_a_shell_script_stay(folder: Path) -> None:
    (folder / "x.sh").write_text('echo "${role}" "$HOME" "${UPPER}" "${role%.*}"')

    assert templating.text("x.sh", role="r") == 'echo "r" "$HOME" "${UPPER}" "${role%.*}"'


@pytest.mark.parametrize("fill", [templating.document, templating.text])
def test_missing_and_unused_values_are_told_at_once(folder: Path, fill: Any) -> None:
    (folder / "x.json").write_text('{"a": "${a}", "b": "${b}"}')

    with pytest.raises(TemplateInvalid, match=r"x\.json does not fit its values: no value for b, no place for c"):
        fill("x.json", a=1, c=2)


def test_a_missing_template_is_named(folder: Path) -> None:
    with pytest.raises(TemplateInvalid, match=r"policies/none\.json is missing"):
        templating.document("policies/none.json")
