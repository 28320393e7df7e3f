"""Whatever a person writes into hfecs.toml, the environment and flags: a configuration, or sentences about it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfecs.config import Config
from hfecs.config import load as configurations
from hfecs.errors import ConfigurationInvalid
from properties.broken import DEPTHS, NUMBERS, TEXTS, damaged, documents, each_fault

EXAMPLE: dict[str, Any] = {
    "aws": {"region": "us-east-1", "endpoint_url": "http://127.0.0.1:5000", "target": "aws"},
    "cluster": {"name": "mine", "instance_type": "t2.micro", "master_count": 1, "log_retention_days": 30},
    "network": {"subnet_ids": ["subnet-0a"], "admin_cidrs": ["192.0.2.7/32"], "allow_world": False},
    "ports": {"amqp": 5672},
    "broker": {"amqp_url": "amqp://me:s3cr3t@broker:5672"},
    "worker": {"threads": 2, "feature_download": "ENABLED", "nfs_mount": "files:/data"},
    "scaling": {"asg_min": 0, "asg_max": 5, "alarm_period": 10},
    "run": {"bucket": "my-bucket", "storage": "nfs", "workdir": "data"},
    "monitoring": {"influx_url": "http://me:s3cr3t@influx:8086/db", "period": 10},
}
LONGEST = 5_000


def toml(value: Any) -> str:
    """A value in TOML, or what a person takes for it."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(str(key))} = {toml(entry)}" for key, entry in value.items()) + "}"
    if isinstance(value, list):
        return f"[{', '.join(map(toml, value))}]"
    if isinstance(value, float):
        return repr(value)
    return json.dumps(value, ensure_ascii=False)


def toml_file(document: Any) -> str:
    """Tables with their headers where the document has such, and the rest as it is."""
    if not isinstance(document, dict):
        return toml(document)
    return "\n".join(line for table, entries in document.items() for line in _table(str(table), entries))


def _table(name: str, entries: Any) -> Iterator[str]:
    if not isinstance(entries, dict):
        yield f"{json.dumps(name)} = {toml(entries)}"
        return
    yield f"[{name or json.dumps(name)}]"
    yield from (f"{json.dumps(str(key))} = {toml(value)}" for key, value in entries.items())


def check(call: Any) -> None:
    """A call gives a configuration, or says in sentences what is wrong; no secret is in them."""
    try:
        config = call()
    except ConfigurationInvalid as error:
        assert error.hint
        assert "s3cr3t" not in error.message
        assert len(error.message) < LONGEST
        assert "Traceback" not in error.message
        error.message.encode("utf-8", "backslashreplace")
    else:
        assert isinstance(config, Config)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("configuration")


@given(st.data())
def test_a_file_is_a_configuration_or_told_to_be_none(folder: Path, data: st.DataObject) -> None:
    text = toml_file(data.draw(documents(EXAMPLE))).replace(
        '"@lists in lists@"', "[" * data.draw(st.sampled_from(DEPTHS))
    )
    file = folder / "hfecs.toml"
    file.write_bytes(data.draw(damaged(text)))

    check(lambda: configurations.load(file, {}, {}, {}))


def test_a_file_with_any_one_fault_is_told_about(folder: Path) -> None:
    file = folder / "one.toml"
    for document in each_fault(EXAMPLE):
        file.write_bytes(toml_file(document).encode("utf-8", "surrogatepass"))
        check(lambda: configurations.load(file, {}, {}, {}))


VALUES = st.one_of(
    st.sampled_from(
        [*TEXTS, *map(str, NUMBERS), "[", '["', "[1]", '["a"]', "[[]]", "[" * 100_000, "9" * 5000, "true", "²"]
    ),
    st.text(st.characters(exclude_characters="\0"), max_size=10),
    st.integers().map(str),
)
KEYS = st.sampled_from(
    [*configurations.keys(), "cluster", "cluster.", ".name", "scaling.asg_mx", "", "a.b.c", "asg_max"]
)


@given(st.dictionaries(KEYS, VALUES, max_size=3))
def test_variables_are_a_configuration_or_told_to_be_none(given_values: dict[str, str]) -> None:
    variables = {f"HFECS_{key.replace('.', '_').upper()}": value for key, value in given_values.items()}

    check(lambda: configurations.load(Path("/nonexistent"), variables, {}, {}))


@given(
    st.lists(
        st.tuples(KEYS | st.sampled_from(TEXTS), st.sampled_from(["=", "", "==", " = "]), VALUES).map("".join),
        max_size=3,
    )
)
def test_assignments_are_a_configuration_or_told_to_be_none(texts: list[str]) -> None:
    check(lambda: configurations.load(Path("/nonexistent"), {}, {}, {}, texts))


@given(st.dictionaries(KEYS, VALUES, max_size=3))
def test_flags_are_a_configuration_or_told_to_be_none(given_values: dict[str, str]) -> None:
    check(lambda: configurations.load(Path("/nonexistent"), {}, given_values, {}))


def test_every_key_with_any_text_is_a_configuration_or_told_to_be_none() -> None:
    for key in sorted(configurations.keys()):
        for value in (*TEXTS, *map(str, NUMBERS), "[" * 100_000, "9" * 5000):
            check(
                lambda key=key, value=value: configurations.load(Path("/nonexistent"), {}, {}, {}, [f"{key}={value}"])
            )
