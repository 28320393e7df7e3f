"""Which images the containers run."""

from __future__ import annotations

from hfecs.answers import LOCAL_HINT
from hfecs.config import Config
from hfecs.errors import ConfigurationInvalid


def require(config: Config) -> None:
    """Refuse to begin without images: a cluster that cannot start a container costs money and does nothing."""
    missing = [key for key in ("hfecs", "worker") if not getattr(config.images, key)]
    if missing:
        keys = " and ".join(f"images.{key}" for key in missing)
        hint = f"set {keys} in hfecs.toml to images in a registry that the machines can reach; {LOCAL_HINT}"
        raise ConfigurationInvalid(f"No container image is set for {keys}.", hint)
