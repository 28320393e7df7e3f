"""The files that Grafana reads at its start, written from the templates: its datasource and the dashboards."""

from __future__ import annotations

import shutil
from pathlib import Path

from hfecs.templating import template_path


def write(directory: Path) -> None:
    """Copy the files into a directory, replacing those of an earlier version; Grafana fills in its variables."""
    source = template_path("grafana/provisioning/datasources/influxdb.yaml").parents[2]
    shutil.copytree(source, directory, dirs_exist_ok=True)
