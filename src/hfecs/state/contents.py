"""What stands in a state: checked in all its parts, for people edit it, and disks cut it off."""

from __future__ import annotations

import json
import uuid
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from hfecs.errors import StateInvalid

VERSION = 1

# With a bound pydantic looks into texts, and finds halves of characters that no call to AWS can hold.
Text = Annotated[str, StringConstraints(strict=True, max_length=100_000)]
Count = Annotated[int, Field(strict=True, ge=0)]


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid")

    kind: Text
    name: Text
    id: Text
    created: Text


class _Stack(BaseModel):
    resources: list[_Record]
    generations: dict[Text, Count] = {}
    outputs: dict[Text, Text | None] = {}


class _Document(BaseModel):
    version: Count
    lineage: Annotated[Text, Field(min_length=1)]
    serial: Count
    account: Text | None = None
    region: Text | None = None
    stacks: dict[Text, _Stack]


def begun() -> dict[str, Any]:
    """The document of a new file, with a lineage of its own."""
    return {"version": VERSION, "lineage": uuid.uuid4().hex, "serial": 0, "stacks": {}}


def read(content: bytes, where: str, lost_hint: str) -> dict[str, Any]:
    """The document that a file or an object holds; StateInvalid says what is wrong with it.

    `where` is what a person calls it, `lost_hint` what to do with one that is damaged.
    """
    try:
        document = json.loads(content.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise StateInvalid(f"The state {where} cannot be read: {error}.", lost_hint) from error
    version = document.get("version") if isinstance(document, dict) else None
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise StateInvalid(f"{where} is not a state of hfecs.", lost_hint)
    if version > VERSION:
        raise StateInvalid(f"{where} was written by a newer hfecs (version {str(version)[:20]}).", "update hfecs")
    try:
        checked = _Document.model_validate(document)
    except ValidationError as error:
        raise StateInvalid(f"The state {where} is damaged: {_first(error)}.", lost_hint) from None
    return {**document, "stacks": checked.model_dump()["stacks"]}


def _first(error: ValidationError) -> str:
    """The first fault, and where it is."""
    fault = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(ascii(part)[1:-1] if isinstance(part, str) else str(part) for part in fault["loc"])
    return f"{place[:200]}: {fault['msg']}"
