"""Where the engine is installed."""

from __future__ import annotations

from pathlib import Path

import pytest

from hfecs.agents.engine.settings import node_modules
from hfecs.errors import ConfigurationInvalid


def test_the_engine_is_found_where_the_environment_says(tmp_path: Path) -> None:
    (tmp_path / "node_modules/@hyperflow/hyperflow").mkdir(parents=True)

    assert node_modules({"HFECS_ENGINE_HOME": str(tmp_path)}) == tmp_path / "node_modules"


def test_an_engine_that_is_nowhere_is_an_error_with_a_hint(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationInvalid, match=str(tmp_path)) as caught:
        node_modules({"HFECS_ENGINE_HOME": str(tmp_path)})

    assert "scripts/setup" in caught.value.hint
