from __future__ import annotations

from pathlib import Path

import pytest

from hfecs import cli
from hfecs.images.recipes import local_name
from images.fakes import Paper
from images.sites import Site


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a configuration, in which commands are typed."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "hfecs.toml").write_text('[aws]\nregion = "us-east-1"\n[cluster]\ninstance_type = "t4g.small"\n')
    return tmp_path


def test_build_makes_both_images_for_the_clusters_machines(
    paper: Paper, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paper.install("docker")

    code = cli.main(["images", "build", "--", "--no-cache", "--pull"])

    said = capsys.readouterr()
    assert code == 0
    for words, name in zip(paper.words("build"), ("hfecs", "worker"), strict=True):
        assert local_name(name) in words
        assert words[words.index("--platform") + 1] == "linux/arm64"
        assert words[-3:-1] == ["--no-cache", "--pull"]
    assert f"Built {local_name('hfecs')} and {local_name('worker')} for linux/arm64" in said.err
    assert said.out == ""


def test_without_a_builder_the_way_out_is_shown(
    paper: Paper, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = cli.main(["images", "build"])

    assert code == 2
    assert "hint: start Docker, or install one of them" in capsys.readouterr().err


@pytest.mark.parametrize("verb", ["build", "push"])
def test_the_local_cloud_needs_no_images_and_is_not_started_for_them(
    paper: Paper, project: Path, verb: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code = cli.main(["--local", "images", verb])

    assert code == 2
    assert "needs no images" in capsys.readouterr().err
    assert not (project / ".hfecs").exists()


def test_push_says_when_a_configured_image_wins(site: Site, project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    site.push()
    (project / "hfecs.toml").write_text('[aws]\nregion = "us-east-1"\n[images]\nworker = "mine:1"\n')

    code = cli.main(["images", "push"])

    said = capsys.readouterr().err
    assert code == 0
    assert "Images of cluster hyperflow: 0 created, 4 unchanged" in said
    assert "images.worker is set to mine:1, and overrides" in said
    assert "images.hfecs" not in said
