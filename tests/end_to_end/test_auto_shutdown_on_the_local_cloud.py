"""The dead man's switch with real parts, its hours and minutes cut to seconds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from end_to_end.project import Project, project, wait_until

pytestmark = [pytest.mark.end_to_end, pytest.mark.reliability]

SETTINGS = "[scaling]\nasg_desired = 1\n[cluster]\nidle_minutes = {idle_minutes}\nmax_hours = {max_hours}\n"


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    with project(tmp_path_factory.mktemp("switch")) as made:
        yield made


def up(here: Project, **settings: float) -> None:
    (here.folder / "hfecs.toml").write_text(SETTINGS.format(**settings))
    here.done("--local", "cluster", "up")
    wait_until(lambda: {"master", "workers"} <= names(here), what="master and worker")


def names(here: Project) -> set[str]:
    return {machine["name"] for machine in here.status()["machines"] if machine["state"] == "running"}


def left(here: Project) -> Any:
    return here.status()["time_left"]


def is_off(here: Project) -> bool:
    return here.status()["machines"] == [] and here.processes() == ["daemon"]


def test_a_cluster_without_work_goes_to_zero_with_its_monitoring_and_says_so(here: Project) -> None:
    here.done("--local", "monitoring", "up")
    up(here, idle_minutes=0.4, max_hours=12)
    idle = wait_until(lambda: left(here)["idle_seconds"], what="the master to tell how long it may be idle")
    assert 0 < idle <= 24
    assert left(here)["seconds"] > 11 * 3600

    wait_until(lambda: is_off(here), what="all machines to end", seconds=120)

    assert "it was idle" in left(here)["switched_off"]
    assert "This cluster has shut down: it was idle." in here.done("--local", "status")


def test_up_brings_it_back_and_its_deadline_ends_it_again(here: Project) -> None:
    up(here, idle_minutes=0, max_hours=0.04)
    assert 0 < left(here)["seconds"] <= 144

    wait_until(lambda: is_off(here), what="all machines to end", seconds=240)

    assert "its time was up" in left(here)["switched_off"]
