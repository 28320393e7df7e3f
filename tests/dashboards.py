"""The dashboards as files: their panels, and the queries that Grafana would send."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from hfecs.templating import templates

FOLDER = templates() / "grafana" / "dashboards"
NAMES = sorted(path.stem for path in FOLDER.glob("*.json"))


@dataclass(frozen=True)
class Query:
    """A query of a panel, or of a variable of its dashboard."""

    where: str
    text: str

    def filled(self, interval: str = "1s") -> str:
        """The query with every variable standing for all it could be, over the last hour."""
        text = self.text.replace("$timeFilter", "time > now() - 1h").replace("$__interval", interval)
        for name in ("run", "cluster", "machine"):
            text = text.replace(f"/^${name}$/", "/.*/")
        return text


def dashboard(name: str) -> Any:
    return json.loads((FOLDER / f"{name}.json").read_text())


def queries(name: str) -> Iterator[Query]:
    """All queries of a dashboard."""
    known = dashboard(name)
    for variable in known["templating"]["list"]:
        yield Query(f"{name}: variable {variable['name']}", variable["query"])
    for panel in known["panels"]:
        for target in panel["targets"]:
            yield Query(f"{name}: {panel['title']} {target['refId']}", target["query"])
