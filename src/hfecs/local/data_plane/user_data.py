"""The boot of a machine, from its user data: the script is not run, only its ECS settings are read."""

from __future__ import annotations

import base64
import binascii
import gzip
import json
import re
from dataclasses import dataclass, field

SETTING = re.compile(
    r"^\s*(?:export\s+)?(ECS_CLUSTER|ECS_INSTANCE_ATTRIBUTES|ECS_CONTAINER_STOP_TIMEOUT|HFECS_END_WITH_TASK|HFECS_DEADLINE_OF)=(.*?)\s*$",
    re.MULTILINE,
)


STOP_TIMEOUT = 30  # seconds: the agent's own ECS_CONTAINER_STOP_TIMEOUT


@dataclass(frozen=True)
class UserData:
    """The settings that a machine's ECS agent would find in /etc/ecs/ecs.config."""

    cluster: str = ""
    attributes: dict[str, str] = field(default_factory=dict)
    end_with_task: bool = False
    deadline_of: str = ""
    stop_timeout: int = STOP_TIMEOUT


def read_user_data(encoded: str | None) -> UserData:
    """The ECS settings in base64 user data, which may be compressed with gzip.

    If the attributes are not a JSON object there is no cluster: a real agent with broken ones never registers either.
    """
    settings = {name: _unquoted(value) for name, value in SETTING.findall(_decoded(encoded or ""))}
    try:
        attributes = json.loads(settings.get("ECS_INSTANCE_ATTRIBUTES") or "{}")
    except json.JSONDecodeError:
        return UserData()
    if not isinstance(attributes, dict):
        return UserData()
    return UserData(
        cluster=settings.get("ECS_CLUSTER", ""),
        attributes={str(name): str(value) for name, value in attributes.items()},
        end_with_task=settings.get("HFECS_END_WITH_TASK", "").lower() == "true",
        deadline_of=settings.get("HFECS_DEADLINE_OF", ""),
        stop_timeout=_seconds(settings.get("ECS_CONTAINER_STOP_TIMEOUT", "")),
    )


def _seconds(text: str) -> int:
    """Seconds as the agent's settings have them, such as 120s."""
    return int(text[:-1]) if re.fullmatch("[0-9]+s", text) else STOP_TIMEOUT


def _decoded(encoded: str) -> str:
    try:
        data = base64.b64decode(encoded, validate=False)
    except binascii.Error:
        return encoded
    if data.startswith(b"\x1f\x8b"):
        data = gzip.decompress(data)
    return data.decode(errors="replace")


def _unquoted(value: str) -> str:
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"" else value
