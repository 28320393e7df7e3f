"""From a container definition to the program that stands for it here: image -> program, environment, secrets."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hfecs.local.processes import CLOUD_MARK, CONTAINER_MARK

OWN_IMAGES = "hfecs-local/"
INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "PYTHONPATH", "HFECS_ENGINE_HOME", CLOUD_MARK)


@dataclass(frozen=True)
class Image:
    """A stock image: the module that stands for it here, the program that it needs, its Debian package."""

    module: str
    program: str
    package: str


IMAGES = {"rabbitmq": Image("hfecs.local.rabbitmq", "/usr/lib/rabbitmq/bin/rabbitmq-server", "rabbitmq-server")}


@dataclass(frozen=True)
class Program:
    """What a machine starts for a container."""

    argv: list[str]
    environment: dict[str, str]


@dataclass(frozen=True)
class Place:
    """Where a container runs: its mark, the machine's address, and what points it at this cloud."""

    mark: str
    address: str
    directory: Path
    cloud: dict[str, str]


class CannotStart(Exception):
    """The container cannot be started; the text is the reason in the words of ECS."""


def program_of(
    definition: dict[str, Any], override: dict[str, Any], place: Place, secret: Callable[[str], str | None]
) -> Program:
    """The program of a container; CannotStart for an unknown image, a missing program or an unreadable secret."""
    argv = _argv(definition, override)
    environment = {
        **{name: os.environ[name] for name in INHERITED if name in os.environ},
        **place.cloud,
        **_pairs(definition.get("environment")),
        **{entry["name"]: _secret(entry, secret) for entry in definition.get("secrets") or []},
        **_pairs(override.get("environment")),
        "HFECS_ADDRESS": place.address,
        "HFECS_PORTS": ",".join(_port(mapping) for mapping in definition.get("portMappings") or []),
        "PYTHONUNBUFFERED": "1",
        "TMPDIR": str(place.directory),
        CONTAINER_MARK: place.mark,
    }
    return Program(argv, environment)


def image_of(name: str) -> Image | None:
    """The known stock image of that name, whatever registry and tag it carries."""
    repository = name.rpartition("/")[2].partition("@")[0].partition(":")[0]
    return IMAGES.get(repository)


def _argv(definition: dict[str, Any], override: dict[str, Any]) -> list[str]:
    name = definition["image"]
    command = override.get("command") or definition.get("command") or []
    words = [*(definition.get("entryPoint") or []), *command]
    image = image_of(name)
    if image is None and not name.startswith(OWN_IMAGES):
        known = f"only {OWN_IMAGES}* and {', '.join(IMAGES)}"
        raise CannotStart(f"CannotPullContainerError: the local cloud knows no image {name!r} ({known}).")
    if image is not None and not Path(image.program).exists():
        raise CannotStart(
            f"CannotStartContainerError: {image.program} is missing; install the Debian package {image.package}."
        )
    if not words and image is None:
        raise CannotStart("CannotStartContainerError: No command specified.")
    if not words and image is not None:
        return [sys.executable, "-m", image.module]
    return [sys.executable, "-m", "hfecs", *words[1:]] if words[0] == "hfecs" else words


def _secret(entry: dict[str, str], secret: Callable[[str], str | None]) -> str:
    value = secret(entry["valueFrom"])
    if value is None:
        raise CannotStart(
            "ResourceInitializationError: unable to pull secrets or registry auth: "
            f"invalid parameters: {entry['valueFrom']} for {entry['name']}."
        )
    return value


def _pairs(entries: Iterable[dict[str, str]] | None) -> dict[str, str]:
    return {entry["name"]: entry.get("value") or "" for entry in entries or []}


def _port(mapping: dict[str, Any]) -> str:
    return f"{mapping['containerPort']}:{mapping.get('hostPort') or mapping['containerPort']}"
