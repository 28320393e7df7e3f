"""The tags that hfecs puts on what it creates, and how AWS writes tags."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

PREFIX = "hfecs:"
"""The prefix of all our tags."""

OWNER_TAG = f"{PREFIX}cluster"
STACK_TAG = f"{PREFIX}stack"
NAME_TAG = f"{PREFIX}name"

DIGEST_TAG = f"{PREFIX}digest"
"""A hash of what it was created with: a machine or a task definition that differs is replaced."""

ENDS_TAG = f"{PREFIX}ends"
"""Until when a machine may run."""

IDLE_TAG = f"{PREFIX}idle-minutes"
"""After how many minutes without work a cluster is shut down; on its master."""


def pairs(tags: Mapping[str, str]) -> list[Any]:
    """Tags as most services write them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def lower_pairs(tags: Mapping[str, str]) -> list[Any]:
    """Tags as ECS writes them."""
    return [{"key": key, "value": value} for key, value in tags.items()]


def tags_of(listed: Any) -> dict[str, str]:
    """Tags of an answer, in either spelling, as a dictionary."""
    return {tag.get("Key", tag.get("key")): tag.get("Value", tag.get("value", "")) for tag in listed or ()}
