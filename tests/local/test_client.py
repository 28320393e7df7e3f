from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from hfecs.errors import LocalCloudFailed
from hfecs.local import client

from .conftest import Site


def test_a_cloud_that_runs_is_found_and_not_started_again(site: Site) -> None:
    directory = site.cloud.directory

    assert client.up(directory) == site.cloud
    assert client.find(directory) == site.cloud


def test_a_directory_without_a_cloud_has_nothing_to_find_or_end(tmp_path: Path) -> None:
    assert client.find(tmp_path) is None
    assert client.down(tmp_path / "never") is False


def test_after_a_crash_nothing_is_found_and_nothing_is_left(tmp_path: Path) -> None:
    cloud = client.up(tmp_path)

    os.kill(cloud.pid, signal.SIGKILL)
    client.down(tmp_path)

    assert client.find(tmp_path) is None
    assert cloud.processes() == []
    assert [entry.name for entry in tmp_path.iterdir()] == ["lock"]


def test_data_that_cannot_be_deleted_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "machines").mkdir()
    monkeypatch.setattr("shutil.rmtree", lambda *_, **__: None)

    with pytest.raises(LocalCloudFailed, match=r"machines in .* could not be deleted"):
        client.down(tmp_path)


def test_a_cloud_that_cannot_start_shows_the_end_of_its_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "moto.py").write_text("raise ImportError('moto is broken here')")
    monkeypatch.setattr(client, "python_path", lambda: f"{tmp_path}{os.pathsep}{Path(client.__file__).parents[2]}")

    with pytest.raises(LocalCloudFailed, match="moto is broken here"):
        client.up(tmp_path / ".hfecs")


def test_the_client_is_light_to_import() -> None:
    script = "import sys, hfecs.local.client; print({'moto', 'boto3', 'pydantic', 'typer'} & set(sys.modules))"

    told = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": client.python_path()},
        capture_output=True,
        text=True,
        check=True,
    )

    assert told.stdout.strip() == "set()"


@pytest.mark.parametrize("text", ["", "{", "{}", "[]", "1", '{"pid": 1}', "[" * 9999, "\x00"])
def test_a_file_that_tells_of_no_cloud_counts_as_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "cloud.json").write_text(text)

    assert client.find(tmp_path) is None
    assert client.down(tmp_path) is False
