"""The files below a folder, as `aws s3 sync` finds them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path


def walk(directory: Path) -> Iterator[Path]:
    """All files; links to folders are followed, but not back into a folder that one is in already."""
    yield from _walk(directory, frozenset())


def _walk(directory: Path, above: frozenset[str]) -> Iterator[Path]:
    real = os.path.realpath(directory)
    if real in above or not directory.is_dir():
        return
    for entry in sorted(os.scandir(directory), key=lambda entry: entry.name):
        if entry.is_dir():
            yield from _walk(Path(entry.path), above | {real})
        elif entry.is_file():
            yield Path(entry.path)
