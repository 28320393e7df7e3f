"""hfecs.example.toml is the reference of the configuration: it names every key, with its meaning and default."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from hfecs.config import Config
from hfecs.config import load as settings
from hfecs.config.keys import Meaning, meanings

EXAMPLE = Path(__file__).parents[1] / "hfecs.example.toml"
KEY = re.compile(r"(# )?([a-z_]+) = .+")


def documented() -> dict[str, str]:
    """The words that stand above each key."""
    found, words, table = {}, list[str](), ""
    for line in EXAMPLE.read_text().splitlines():
        if line.startswith("["):
            table, words = line.strip("[]"), []
        elif match := KEY.fullmatch(line):
            found[f"{table}.{match[2]}".lstrip(".")], words = " ".join(words), []
        elif not line:
            words = []
        else:
            words.append(line.removeprefix("# "))
    return found


def words_of(meaning: Meaning) -> str:
    unit = f" [{meaning.unit}]" if meaning.unit else ""
    originals = f" (Terraform: {', '.join(meaning.originals)})" if meaning.originals else ""
    return f"{meaning.description}{unit}{originals}"


def test_the_example_names_every_key_and_no_other() -> None:
    assert list(documented()) == settings.keys()


@pytest.mark.parametrize("key", settings.keys())
def test_the_example_explains_a_key_in_the_words_of_the_configuration(key: str) -> None:
    assert documented()[key] == words_of(meanings()[key])


def test_the_example_has_the_defaults() -> None:
    assert settings.load(EXAMPLE, {}, {}, {}) == Config()
    assert list(tomllib.loads(EXAMPLE.read_text())) == [name for name in Config.model_fields if name != "state"]


def test_what_stands_behind_a_hash_could_be_used(tmp_path: Path) -> None:
    file = tmp_path / "hfecs.toml"
    file.write_text(re.sub(r"^# ([a-z_]+ = .+)$", r"\1", EXAMPLE.read_text(), flags=re.MULTILINE))

    config = settings.load(file, {}, {}, {})

    assert config.cluster.key_pair_name == "mine"


@pytest.mark.parametrize("key", settings.keys())
def test_every_key_has_a_meaning(key: str) -> None:
    assert len(meanings()[key].description.split()) > 2
