"""From a container definition to the program that replaces it here: image -> program, environment, secrets."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hfecs.local.processes import CLOUD_MARK, CONTAINER_MARK

OWN_IMAGES = "hfecs-local/"
INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "PYTHONPATH", "HFECS_ENGINE_HOME", CLOUD_MARK)


@dataclass(frozen=True)
class Image:
    """A stock image: the module that replaces it here, the program it needs, its Debian package."""

    module: str
    program: str = sys.executable
    package: str = "python3"


IMAGES = {
    "rabbitmq": Image("hfecs.local.stand_ins.rabbitmq", "/usr/lib/rabbitmq/bin/rabbitmq-server", "rabbitmq-server"),
    "influxdb": Image("hfecs.local.stand_ins.influxdb", "/usr/bin/influxd", "influxdb"),
    "telegraf": Image("hfecs.local.stand_ins.telegraf"),
    "grafana": Image("hfecs.local.stand_ins.grafana"),
    "grafana-oss": Image("hfecs.local.stand_ins.grafana"),
}


@dataclass(frozen=True)
class Program:
    """What a machine starts for a container."""

    argv: list[str]
    environment: dict[str, str]


@dataclass(frozen=True)
class Place:
    """Where a container runs: its mark, the machine's address, the settings for this cloud, its volumes by path."""

    mark: str
    address: str
    directory: Path
    cloud: dict[str, str]
    volumes: dict[str, Path] = field(default_factory=dict)

    def real(self, text: str) -> str:
        """A path inside a volume, translated to its path here; any other text unchanged."""
        for inside, outside in self.volumes.items():
            if text == inside or text.startswith(f"{inside}/"):
                return f"{outside}{text.removeprefix(inside)}"
        return text


class CannotStart(Exception):
    """The container cannot be started; the text is the reason in ECS's words."""


def program_of(
    definition: dict[str, Any], override: dict[str, Any], place: Place, secret: Callable[[str], str | None]
) -> Program:
    """The program of a container; CannotStart for an unknown image, a missing program or an unreadable secret."""
    argv = [place.real(word) for word in _argv(definition, override)]
    settings = _pairs(definition.get("environment")) | _pairs(override.get("environment"))
    environment = {
        **{name: os.environ[name] for name in INHERITED if name in os.environ},
        **place.cloud,
        **{entry["name"]: _secret(entry, secret) for entry in definition.get("secrets") or []},
        **{name: place.real(value) for name, value in settings.items()},
        "HFECS_ADDRESS": place.address,
        "HFECS_PORTS": ",".join(_port(mapping) for mapping in definition.get("portMappings") or []),
        "HFECS_VOLUMES": ",".join(f"{inside}:{outside}" for inside, outside in place.volumes.items()),
        "PYTHONUNBUFFERED": "1",
        "TMPDIR": str(place.directory),
        CONTAINER_MARK: place.mark,
    }
    return Program(argv, environment)


def image_of(name: str) -> Image | None:
    """The known stock image of that name, whatever its registry and tag."""
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
    if image is not None:  # a command would name a program that is not here
        return [sys.executable, "-m", image.module]
    if not words:
        raise CannotStart("CannotStartContainerError: No command specified.")
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
