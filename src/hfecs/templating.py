"""Templates: plain files that are valid before and after their values are filled in."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from hfecs.errors import TemplateInvalid

PLACEHOLDER = re.compile(r"\$\{([a-z_]+)\}")


@cache
def templates() -> Path:
    """The templates directory: inside the installed package, or of the checkout."""
    package = Path(__file__).resolve().parent
    for folder in (package / "templates", package.parents[1] / "templates"):
        if folder.is_dir():
            return folder
    raise TemplateInvalid(f"The templates of hfecs are missing next to {package}.", hint="install hfecs again")


def template_path(name: str) -> Path:
    """The path of a template, such as `engine/run.js`."""
    path = templates() / name
    if not path.is_file():
        raise TemplateInvalid(f"The template {name} is missing in {templates()}.", hint="install hfecs again")
    return path


def text(name: str, **values: object) -> str:
    """A text template with each `${name}` replaced; a missing or unused value is an error."""
    source = template_path(name).read_text(encoding="utf-8")
    _compare(name, set(PLACEHOLDER.findall(source)), values)
    return PLACEHOLDER.sub(lambda match: str(values[match[1]]), source)


def document(name: str, **values: object) -> Any:
    """A JSON template filled in: `"${port}"` on its own takes the value's type, otherwise it is part of the text."""
    source = template_path(name).read_text(encoding="utf-8")
    _compare(name, set(PLACEHOLDER.findall(source)), values)
    return _fill(json.loads(source), values)


def _compare(name: str, wanted: set[str], values: Mapping[str, object]) -> None:
    missing, unused = wanted - values.keys(), values.keys() - wanted
    if missing or unused:
        faults = [f"no value for {key}" for key in sorted(missing)] + [f"no place for {key}" for key in sorted(unused)]
        raise TemplateInvalid(f"The template {name} does not fit its values: {', '.join(faults)}.")


def _fill(node: Any, values: Mapping[str, object]) -> Any:
    if isinstance(node, dict):
        return {key: _fill(value, values) for key, value in node.items()}
    if isinstance(node, list):
        return [_fill(value, values) for value in node]
    if not isinstance(node, str):
        return node
    if alone := PLACEHOLDER.fullmatch(node):
        return values[alone[1]]
    return PLACEHOLDER.sub(lambda match: str(values[match[1]]), node)


def write_grafana_files(directory: Path) -> None:
    """Copy the files into a directory, replacing those of an earlier version; Grafana fills in its variables."""
    source = template_path("grafana/provisioning/datasources/influxdb.yaml").parents[2]
    shutil.copytree(source, directory, dirs_exist_ok=True)
