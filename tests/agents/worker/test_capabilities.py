from __future__ import annotations

from pathlib import Path

import pytest

from hfecs.agents.worker.capabilities import PLAIN, Capabilities
from hfecs.errors import ConfigurationInvalid


def test_a_machine_offers_nothing_unless_told() -> None:
    assert Capabilities.from_environment({}) == PLAIN
    assert Capabilities.from_environment({"FEATURE_DOWNLOAD": "DISABLED", "CONTAINERS": ""}) == PLAIN


def test_inputs_are_kept_where_the_machine_says(tmp_path: Path) -> None:
    environ = {"FEATURE_DOWNLOAD": "ENABLED", "CACHE_DIRECTORY": str(tmp_path / "kept"), "CACHE_GIB": "2"}

    capabilities = Capabilities.from_environment(environ)

    assert capabilities.cache is not None
    assert (tmp_path / "kept").is_dir()


def test_containers_are_allowed_by_name() -> None:
    assert Capabilities.from_environment({"CONTAINERS": "enabled"}).containers


def test_kept_inputs_without_a_directory_are_refused() -> None:
    with pytest.raises(ConfigurationInvalid, match="CACHE_DIRECTORY is missing"):
        Capabilities.from_environment({"FEATURE_DOWNLOAD": "ENABLED"})


def test_another_word_is_refused() -> None:
    with pytest.raises(ConfigurationInvalid, match="FEATURE_DOWNLOAD is 'MAYBE'"):
        Capabilities.from_environment({"FEATURE_DOWNLOAD": "maybe"})
