"""What the images are built from, and building them: a checkout laid out for the Dockerfiles in templates/images/."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from hfecs import __version__, templating
from hfecs.errors import Misused
from hfecs.images.builder import Builder, Recipe

NAMES = ("hfecs", "worker")
BASE = "debian:bookworm-slim"
SOURCES = ("pyproject.toml", "README.md", "LICENSE", "src", "templates")
LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.egg-info", ".*")
# AWS marks ARM instance families by a "g" after their number, and the first of them was a1.
ARM = re.compile(r"a1\.|[a-z]+[0-9]+g")


def local_name(name: str) -> str:
    """The image's name on this machine."""
    return f"hfecs/{name}:{__version__}"


def platform_of(instance_type: str | None) -> str:
    """The platform of the machines that will run the image; the default types are of amd64."""
    return "linux/arm64" if ARM.match(instance_type or "") else "linux/amd64"


@contextmanager
def recipes(source: Path | None, *, base: str, worker: Path | None) -> Iterator[list[Recipe]]:
    """The images in build order, from a checkout: the one hfecs runs from unless specified.

    `worker` is the Dockerfile of a worker other than the Montage example's. The directory that hfecs is copied from is
    deleted afterwards.
    """
    files = worker or templating.template_path("images/worker/Dockerfile")
    if not files.is_file():
        raise Misused(
            f"Dockerfile {files} does not exist.", hint="docs/images.md says what a worker image must contain"
        )
    with TemporaryDirectory(prefix="hfecs-images-") as name:
        folder = Path(name)
        _lay_out(_checkout(source), folder)
        yield [
            Recipe(local_name("hfecs"), templating.template_path("images/hfecs/Dockerfile"), folder, {"BASE": base}),
            Recipe(local_name("worker"), files, files.parent, {"HFECS": local_name("hfecs")}),
        ]


def _checkout(source: Path | None) -> Path:
    folder = source or templating.templates().parent
    missing = [name for name in (*SOURCES, "constraints.txt") if not (folder / name).exists()]
    if missing:
        raise Misused(
            f"Images are built from a checkout of hfecs, but {folder} is not one: {', '.join(missing)} is missing.",
            hint="name a checkout: hfecs images build --source DIR",
        )
    return folder


def _lay_out(checkout: Path, folder: Path) -> None:
    for name in SOURCES:
        _copy(checkout / name, folder / "source" / name)
    _copy(checkout / "templates" / "engine", folder / "engine")
    _copy(checkout / "constraints.txt", folder / "constraints.txt")


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=LEFT_OUT)
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target)


@dataclass(frozen=True)
class Wish:
    """Options of a build: the platform, and replacements for the usual sources."""

    platform: str
    base: str = BASE
    worker: Path | None = None
    source: Path | None = None


def build_images(builder: Builder, wish: Wish, options: Sequence[str] = ()) -> list[str]:
    """Build the images, one on top of the other; `options` are passed to the builder unchanged. Return their names."""
    with recipes(wish.source, base=wish.base, worker=wish.worker) as wanted:
        for recipe in wanted:
            builder.build(recipe, platform=wish.platform, options=options)
        return [recipe.name for recipe in wanted]
