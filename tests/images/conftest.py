from __future__ import annotations

from images.fakes import paper
from images.sites import site

__all__ = ["paper", "site"]
