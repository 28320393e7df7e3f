"""Build the images laid out by recipes.py, with a program of builder.py."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hfecs.images.builder import Builder
from hfecs.images.recipes import BASE, recipes


@dataclass(frozen=True)
class Wish:
    """Options of a build: the platform, and replacements for the usual sources."""

    platform: str
    base: str = BASE
    worker: Path | None = None
    source: Path | None = None


def build(builder: Builder, wish: Wish, options: Sequence[str] = ()) -> list[str]:
    """Build the images, one on top of the other; `options` are passed to the builder unchanged. Return their names."""
    with recipes(wish.source, base=wish.base, worker=wish.worker) as wanted:
        for recipe in wanted:
            builder.build(recipe, platform=wish.platform, options=options)
        return [recipe.name for recipe in wanted]
