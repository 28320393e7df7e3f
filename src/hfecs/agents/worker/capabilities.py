"""What an executor's machine offers to jobs: cached inputs, a file server, containers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hfecs.agents.common import environment
from hfecs.agents.common.environment import Environment
from hfecs.agents.worker.cache import Cache
from hfecs.errors import ConfigurationInvalid

ENABLED = ("ENABLED", "DISABLED")
GIBIBYTE = 1 << 30
CACHE_GIB = 10


@dataclass(frozen=True)
class Capabilities:
    """The cache of inputs, and whether jobs may run in containers."""

    cache: Cache | None = None
    containers: bool = False

    @classmethod
    def from_environment(cls, environ: Environment) -> Capabilities:
        """Read FEATURE_DOWNLOAD, CACHE_DIRECTORY, CACHE_GIB and CONTAINERS."""
        cache = None
        if _enabled(environ, "FEATURE_DOWNLOAD"):
            directory = Path(environment.required(environ, "CACHE_DIRECTORY"))
            cache = Cache(directory, environment.positive_integer(environ, "CACHE_GIB", CACHE_GIB) * GIBIBYTE)
        return cls(cache, _enabled(environ, "CONTAINERS"))


PLAIN = Capabilities()
"""The capabilities of a machine that offers none."""


def _enabled(environ: Environment, name: str) -> bool:
    value = environment.optional(environ, name, "DISABLED").upper()
    if value not in ENABLED:
        raise ConfigurationInvalid(f"{name} is {value!r}.", f"it is one of {', '.join(ENABLED)}")
    return value == "ENABLED"
