"""The files that Grafana reads: whole, in order, and in words that a person understands."""

from __future__ import annotations

import json
import re
import tomllib
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from dashboards import FOLDER, NAMES, dashboard, queries
from hfecs.templating import template_path, write_grafana_files

SOURCE = {"type": "influxdb", "uid": "hyperflow"}
# Panels that Grafana has without a plugin.
KINDS = {"stat", "timeseries", "state-timeline", "table", "barchart"}
COLUMNS = 24
MEASUREMENTS = {
    "execution_log",
    "execution_log_sub_stage",
    "execution_times",
    "hyperflow_rabbitmq_monitor",
    "hyperflow_monitor",
    "hyperflow_alarms",
    "hyperflow_workflow",
    "hyperflow_cpu_usage_ec2",
    "hyperflow_memory_usage_ec2",
    "hyperflow_disc_read",
    "hyperflow_disc_write",
    "hyperflow_connection_received",
    "hyperflow_connection_transferred",
}


def everything() -> list[tuple[str, Any]]:
    return [(name, panel) for name in NAMES for panel in dashboard(name)["panels"]]


def cells(panel: Any) -> set[tuple[int, int]]:
    """The cells of the dashboard's grid that a panel covers."""
    place = panel["gridPos"]
    across, down = range(place["x"], place["x"] + place["w"]), range(place["y"], place["y"] + place["h"])
    return {(x, y) for x in across for y in down}


def test_there_are_three_dashboards_with_names_of_their_own() -> None:
    assert NAMES == ["cluster", "machines", "workflow"]
    assert len({dashboard(name)["uid"] for name in NAMES}) == 3
    assert [dashboard(name)["title"] for name in NAMES] == ["Cluster", "Machines", "Workflow"]


@pytest.mark.parametrize("name", NAMES)
def test_panels_have_numbers_of_their_own_and_do_not_cover_each_other(name: str) -> None:
    panels = dashboard(name)["panels"]

    assert len({panel["id"] for panel in panels}) == len(panels)
    assert [(a["title"], b["title"]) for a, b in combinations(panels, 2) if cells(a) & cells(b)] == []
    assert max(x for panel in panels for x, _ in cells(panel)) < COLUMNS


@pytest.mark.parametrize(("name", "panel"), everything(), ids=lambda value: str(getattr(value, "get", str)("title")))
def test_a_panel_is_of_a_kind_that_grafana_has_and_asks_our_influxdb(name: str, panel: Any) -> None:
    assert panel["type"] in KINDS
    assert panel["datasource"] == SOURCE
    assert panel["targets"]
    assert [target for target in panel["targets"] if target["datasource"] != SOURCE or not target["rawQuery"]] == []


def test_titles_and_descriptions_are_words_and_not_names_of_fields() -> None:
    texts = [text for _, panel in everything() for text in (panel["title"], panel["description"])]

    assert [text for text in texts if not text or "_" in text or re.search(r"[a-z][A-Z]", text)] == []


def test_numbers_have_units() -> None:
    plain = [
        panel["title"]
        for _, panel in everything()
        if panel["type"] in {"timeseries", "barchart"} and "unit" not in panel["fieldConfig"]["defaults"]
    ]

    assert plain == []


@pytest.mark.parametrize("name", NAMES)
def test_each_variable_that_a_query_uses_is_defined_and_each_that_is_defined_is_used(name: str) -> None:
    texts = " ".join(query.text for query in queries(name))
    used = set(re.findall(r"\$(\w+)", texts)) - {"timeFilter", "__interval"}

    assert used == {variable["name"] for variable in dashboard(name)["templating"]["list"]}


def test_every_measurement_is_shown_and_no_other() -> None:
    asked = {found for name in NAMES for query in queries(name) for found in re.findall(r'FROM "(\w+)"', query.text)}

    assert asked == MEASUREMENTS


def test_telegraf_writes_the_measurements_of_the_machines() -> None:
    configuration = tomllib.loads(template_path("telegraf/telegraf.conf").read_text())

    written = {one["name_override"] for plugin in configuration["inputs"].values() for one in plugin}

    assert written == {name for name in MEASUREMENTS if re.search("cpu|memory|disc|connection", name)}


def test_telegraf_finds_each_variable_of_its_configuration_in_its_container() -> None:
    text = template_path("telegraf/telegraf.conf").read_text()
    definition = template_path("task-definitions/telegraf.json").read_text()
    given = set(re.findall(r'"name": "([A-Z_]+)"', definition)) | {"INFLUXDB_USER", "INFLUXDB_PASSWORD"}

    assert set(re.findall(r"\$\{([A-Z_]+)\}", text)) <= given


def test_grafana_finds_each_variable_of_its_files_in_its_container() -> None:
    definition = json.loads(template_path("task-definitions/monitoring.json").read_text())
    (grafana,) = [one for one in definition["containerDefinitions"] if one["name"] == "grafana"]
    given = {pair["name"] for pair in (*grafana["environment"], *grafana["secrets"])}

    files = "".join(path.read_text() for path in FOLDER.parent.rglob("*.yaml"))

    assert set(re.findall(r"\$([A-Z_]+)", files)) <= given


def test_the_files_are_written_as_grafana_looks_for_them_again_and_again(tmp_path: Path) -> None:
    write_grafana_files(tmp_path)
    write_grafana_files(tmp_path)

    written = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert written == {
        "provisioning/datasources/influxdb.yaml",
        "provisioning/dashboards/hfecs.yaml",
        *(f"dashboards/{name}.json" for name in NAMES),
    }
