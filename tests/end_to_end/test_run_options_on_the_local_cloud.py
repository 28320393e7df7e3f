"""Options of clusters and runs with real programs: kept inputs, a file server, containers, a broker elsewhere, keys."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from agents.worker.docker import stand_in
from end_to_end.broker import PASSWORD, PrivateBroker
from end_to_end.project import Project, project

pytestmark = pytest.mark.end_to_end

WORKER = """
[worker]
feature_download = true
allow_containers = true
nfs_mount = "files.example.org:/data"
[scaling]
asg_desired = 1
"""
COPY = [{"name": "copy", "command": "cat begin > end; echo changed > begin", "ins": ["begin"], "outs": ["end"]}]
HOST = Path(".hfecs", "host")


@pytest.fixture(scope="module")
def docker(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A program that stands for Docker; it logs what it is asked for."""
    return stand_in(tmp_path_factory.mktemp("docker"))


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory, docker: Path) -> Iterator[Project]:
    """A project whose worker keeps inputs, has a file server, and may run containers."""
    folder = tmp_path_factory.mktemp("options")
    (folder / "hfecs.toml").write_text(WORKER)
    with pytest.MonkeyPatch.context() as changed, project(folder) as made:
        changed.setenv("PATH", str(docker.parent), prepend=":")
        made.done("--local", "cluster", "up")
        yield made


def test_an_input_is_kept_unspoilt_and_fetched_again_when_it_has_changed(here: Project) -> None:
    workflow = here.write_workflow("kept", COPY, {"begin": "first"})
    fetched = []

    for content in ("first", "first", "second"):
        (here.folder / workflow / "input" / "begin").write_text(content)
        here.done("--local", "run", workflow, "--bucket", "kept-inputs", "--download", "out")
        fetched.append((here.folder / "out" / "end").read_text())

    assert fetched == ["first", "first", "second"]
    kept = [path.read_text() for path in (here.folder / HOST / "var/lib/hfecs/cache").glob("*.kept")]
    assert sorted(kept) == ["first", "second"]


def test_jobs_run_in_the_image_that_was_named(here: Project, docker: Path) -> None:
    workflow = here.write_workflow("contained", COPY, {"begin": "light"})

    here.done("--local", "run", workflow, "--bucket", "contained", "--container", "soykb:1", "--download", "inside")

    words = [json.loads(line) for line in docker.with_name("docker.log").read_text().splitlines()]
    assert [word[0] for word in words] == ["run"]
    assert "soykb:1" in words[0]
    assert (here.folder / "inside" / "end").read_text() == "light"


def test_jobs_find_their_files_on_the_file_server(here: Project) -> None:
    workflow = here.write_workflow("shared", COPY, {})
    shared = here.folder / HOST / "nfs" / "run-1"
    shared.mkdir(parents=True)
    (shared / "begin").write_text("light")

    here.done("--local", "run", workflow, "--bucket", "shared-1", "--storage", "nfs", "--workdir", "run-1")

    assert {path.name: path.read_text() for path in shared.iterdir()} == {"begin": "light", "end": "light"}


def test_a_broker_elsewhere_and_keys_of_ones_own_are_used_and_shown_nowhere(
    rabbitmq: PrivateBroker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HFECS_BROKER_AMQP_URL", rabbitmq.url)
    monkeypatch.setenv("HFECS_BROKER_MANAGEMENT_URL", rabbitmq.management_url)
    monkeypatch.setenv("HFECS_AWS_TASK_ACCESS_KEY", "key-of-the-user")
    monkeypatch.setenv("HFECS_AWS_TASK_SECRET_ACCESS_KEY", "secret-of-the-user")
    (tmp_path / "hfecs.toml").write_text("[scaling]\nasg_desired = 1\n")
    with project(tmp_path) as elsewhere:
        workflow = elsewhere.write_workflow("far", COPY, {"begin": "light"})

        said = elsewhere.done("--local", "-v", "cluster", "up")
        said += elsewhere.done("--local", "run", workflow, "--bucket", "far-away")
        said += elsewhere.done("--local", "logs") + elsewhere.done("--local", "config", "show")

        files = [path for path in tmp_path.rglob("*") if path.is_file()]
        told = said.encode() + b"".join(path.read_bytes() for path in files)
        assert "succeeded: 1 of 1 jobs" in said
        for secret in (PASSWORD, "key-of-the-user", "secret-of-the-user"):
            assert secret.encode() not in told
