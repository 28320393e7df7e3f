"""Building the images, from what recipes.py lays out, with a program of builder.py."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hfecs.images.builder import Builder
from hfecs.images.recipes import BASE, recipes


@dataclass(frozen=True)
class Wish:
    """How the images are wanted: their platform, and what they are made from where that is not the usual."""

    platform: str
    base: str = BASE
    worker: Path | None = None
    source: Path | None = None


def build(builder: Builder, wish: Wish, options: Sequence[str] = ()) -> list[str]:
    """Build the images, one on top of the other; `options` go to the builder as they are. Return their names."""
    with recipes(wish.source, base=wish.base, worker=wish.worker) as wanted:
        for recipe in wanted:
            builder.build(recipe, platform=wish.platform, options=options)
        return [recipe.name for recipe in wanted]
