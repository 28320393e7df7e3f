from __future__ import annotations

from pathlib import Path

import pytest

from hfecs import __version__, templating
from hfecs.errors import Misused
from hfecs.images.builder import Builder
from hfecs.images.recipes import Wish, build_images, platform_of, recipes
from images.fakes import Paper

HERE = Path(__file__).parents[2]
IMAGES = templating.templates() / "images"


def option(words: list[str], name: str) -> str:
    return words[words.index(name) + 1]


def test_the_worker_is_built_on_top_of_hfecs(paper: Paper) -> None:
    paper.install("podman")

    names = build_images(Builder("podman"), Wish("linux/arm64", base="localhost/base"))

    hfecs, worker = paper.words("build")
    assert names == [f"hfecs/hfecs:{__version__}", f"hfecs/worker:{__version__}"]
    assert [option(words, "--tag") for words in (hfecs, worker)] == names
    assert option(hfecs, "--build-arg") == "BASE=localhost/base"
    assert option(worker, "--build-arg") == f"HFECS={names[0]}"
    assert {option(words, "--platform") for words in (hfecs, worker)} == {"linux/arm64"}
    assert option(worker, "--file") == str(IMAGES / "worker/Dockerfile")


def test_a_worker_of_ones_own_is_built_from_its_folder(paper: Paper, tmp_path: Path) -> None:
    paper.install("docker")
    (tmp_path / "Dockerfile").write_text("ARG HFECS\nFROM ${HFECS}\n")

    build_images(Builder("docker"), Wish("linux/amd64", worker=tmp_path / "Dockerfile"))

    worker = paper.words("build")[1]
    assert option(worker, "--file") == str(tmp_path / "Dockerfile")
    assert worker[-1] == str(tmp_path)


def test_a_worker_whose_dockerfile_is_missing_is_refused_before_anything_is_built(paper: Paper, tmp_path: Path) -> None:
    paper.install("docker")

    with pytest.raises(Misused, match=r"Dockerfile .* does not exist"):
        build_images(Builder("docker"), Wish("linux/amd64", worker=tmp_path / "Dockerfile"))

    assert paper.calls("build") == []


def test_the_dockerfile_finds_what_it_copies_and_nothing_else_is_laid_out() -> None:
    with recipes(None, base="b", worker=None) as (hfecs, _):
        lines = hfecs.dockerfile.read_text().splitlines()
        copied = [
            word for line in lines if line.startswith("COPY ") and "--from" not in line for word in line.split()[1:-1]
        ]

        assert [name for name in copied if not (hfecs.folder / name).exists()] == []
        assert {path.name for path in hfecs.folder.iterdir()} == {name.split("/")[0] for name in copied}
        assert list(hfecs.folder.rglob("__pycache__")) == []
        assert (hfecs.folder / "source/src/hfecs/cli.py").read_text() == (HERE / "src/hfecs/cli.py").read_text()
    assert not hfecs.folder.exists()


def test_without_a_checkout_the_error_says_how_to_name_one(tmp_path: Path) -> None:
    with pytest.raises(Misused, match="is not one: pyproject") as refused:
        with recipes(tmp_path, base="b", worker=None):
            pass

    assert "--source DIR" in refused.value.hint


@pytest.mark.parametrize(
    ("instance_type", "platform"),
    [
        ("t2.micro", "linux/amd64"),
        ("g5.xlarge", "linux/amd64"),
        ("c6a.large", "linux/amd64"),
        ("t4g.small", "linux/arm64"),
        ("c7gn.large", "linux/arm64"),
        ("g5g.xlarge", "linux/arm64"),
        ("a1.medium", "linux/arm64"),
    ],
)
def test_the_platform_is_that_of_the_machines(instance_type: str, platform: str) -> None:
    assert platform_of(instance_type) == platform
