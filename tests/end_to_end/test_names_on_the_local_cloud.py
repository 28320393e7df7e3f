"""A cluster with a name of its own, and two clusters in one folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from blueprints.leftovers import leftovers
from end_to_end.project import Project, project
from hfecs.aws.clients import Cloud
from hfecs.local import client

pytestmark = pytest.mark.end_to_end

COPY = {"name": "copy", "command": "cp begin end", "ins": ["begin"], "outs": ["end"]}


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Project]:
    (tmp_path / "hfecs.toml").write_text("[scaling]\nasg_desired = 1\n")
    with project(tmp_path) as made:
        yield made


def left(here: Project) -> list[str]:
    """What the local cloud still has of hfecs."""
    local = client.find(here.folder / ".hfecs")
    assert local
    cloud = Cloud(region="us-east-1", endpoint_url=local.endpoint_url, environment=local.environment())
    return leftovers(cloud)


def test_a_cluster_with_a_name_is_the_one_that_later_commands_mean(here: Project) -> None:
    here.done("--local", "cluster", "up", "--name", "mine")

    assert here.status()["cluster"] == "mine"
    job = here.write_workflow("job", [COPY], {"begin": "light"})
    assert "succeeded" in here.done("run", job, "--bucket", "of-mine", "--local")
    assert "Destroyed everything of cluster mine" in here.done("--local", "destroy", "--yes", "--delete-data")
    assert left(here) == []


def test_two_clusters_of_one_folder_work_side_by_side_and_go_one_by_one(here: Project) -> None:
    here.done("--local", "cluster", "up", "--name", "a")
    here.done("--local", "cluster", "up", "--name", "b")
    job = here.write_workflow("job", [COPY], {"begin": "light"})

    unnamed = here.hfecs("--local", "destroy", "--yes")
    assert unnamed.returncode == 2
    assert "clusters a and b" in unnamed.stderr
    assert "succeeded" in here.done("--local", "--name", "b", "run", job, "--bucket", "of-b")
    here.done("--local", "destroy", "--yes", "--delete-data", "--name", "b")
    assert here.status()["cluster"] == "a"
    here.done("--local", "destroy", "--yes")
    assert left(here) == []
