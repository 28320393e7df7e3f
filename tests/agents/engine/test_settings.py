"""Where the engine is installed."""

from __future__ import annotations

from pathlib import Path

import pytest

from hfecs.agents.engine.settings import _installation, node_modules
from hfecs.errors import ConfigurationInvalid


def test_the_engine_is_found_where_the_environment_says(tmp_path: Path) -> None:
    (tmp_path / "node_modules/@hyperflow/hyperflow").mkdir(parents=True)

    assert node_modules({"HFECS_ENGINE_HOME": str(tmp_path)}) == tmp_path / "node_modules"


def test_an_engine_that_is_nowhere_is_an_error_with_a_hint(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationInvalid, match=str(tmp_path)) as caught:
        node_modules({"HFECS_ENGINE_HOME": str(tmp_path)})

    assert "scripts/setup" in caught.value.hint


def test_a_package_without_a_checkout_is_told_the_command_of_the_documentation(tmp_path: Path) -> None:
    documentation = (Path(__file__).parents[3] / "docs/local-cloud.md").read_text(encoding="utf-8")

    hint = _installation(tmp_path)

    assert hint.removeprefix("install it: ") in documentation
