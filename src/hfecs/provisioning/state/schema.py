"""The schema of a state: everything is validated, since people edit it and disks truncate it."""

from __future__ import annotations

import json
import re
import uuid
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from hfecs.errors import StateInvalid

# Version 1 held one cluster, without its name.
VERSION = 2

# Kinds whose names in AWS contain the cluster; the others have opaque ids.
_NAMES = {
    "ecs-cluster": re.compile(r"hfecs-(?P<cluster>.+)-(?:cluster|monitoring)"),
    "log-group": re.compile(r"/hfecs/(?P<cluster>[^/]+)(?:/monitoring)?"),
    "secret-parameter": re.compile(r"/hfecs/(?P<cluster>[^/]+)/.+"),
    "role": re.compile(r".+:role/hfecs/(?P<cluster>[^/]+)/.+"),
}
# Version 1 recorded the inline policies of roles, which are deleted with their role.
_NO_LONGER_RECORDED = ("role-policy",)
# The name of a cluster that never got one.
_UNNAMED = "hyperflow"

# With a length limit pydantic inspects texts, and finds lone surrogates, which no AWS call accepts.
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


class _Cluster(BaseModel):
    stacks: dict[Text, _Stack]


class _Document(BaseModel):
    version: Count
    lineage: Annotated[Text, Field(min_length=1)]
    serial: Count
    account: Text | None = None
    region: Text | None = None
    clusters: dict[Text, _Cluster]


class _OldDocument(_Document):
    clusters: dict[Text, _Cluster] = {}
    stacks: dict[Text, _Stack]


def begun() -> dict[str, Any]:
    """The document of a new file, with its own lineage."""
    return {"version": VERSION, "lineage": uuid.uuid4().hex, "serial": 0, "clusters": {}}


def read(content: bytes, where: str, lost_hint: str) -> dict[str, Any]:
    """The document in a file or object; StateInvalid says what is wrong with it.

    `where` names it for the user, `lost_hint` says what to do if it is corrupt.
    """
    try:
        document = json.loads(content.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise StateInvalid(f"State {where} cannot be read: {error}.", lost_hint) from error
    version = document.get("version") if isinstance(document, dict) else None
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise StateInvalid(f"{where} is not an hfecs state.", lost_hint)
    if version > VERSION:
        raise StateInvalid(f"{where} was written by a newer hfecs (version {str(version)[:20]}).", "upgrade hfecs")
    try:
        checked = (_OldDocument if version == 1 else _Document).model_validate(document).model_dump()
    except ValidationError as error:
        raise StateInvalid(f"State {where} is corrupt: {_first(error)}.", lost_hint) from None
    if version == 1:
        del document["stacks"]
        checked["clusters"] = _by_cluster(checked["stacks"])
    return {**document, "version": VERSION, "clusters": checked["clusters"]}


def _by_cluster(stacks: dict[str, Any]) -> dict[str, Any]:
    """The stacks of a version 1 file by cluster: taken from each record's name in AWS, or else the first such name.

    A file in which a second cluster was started has records of both.
    """
    resources = [record for stack in stacks.values() for record in stack["resources"]]
    first = next(filter(None, map(_cluster_of, resources)), _UNNAMED)
    names = {first, *filter(None, map(_cluster_of, resources))}
    return {name: {"stacks": _of_cluster(stacks, name, first)} for name in names}


def _of_cluster(stacks: dict[str, Any], cluster: str, first: str) -> dict[str, Any]:
    """One cluster's part; the stacks' notes belong to the first."""
    return {
        name: {
            "resources": [
                one
                for one in stack["resources"]
                if (_cluster_of(one) or first) == cluster and one["kind"] not in _NO_LONGER_RECORDED
            ],
            "generations": dict(stack["generations"]),
            "outputs": dict(stack["outputs"]) if cluster == first else {},
        }
        for name, stack in stacks.items()
    }


def _cluster_of(record: dict[str, Any]) -> str | None:
    """The cluster in a resource's name in AWS; None if there is none."""
    pattern = _NAMES.get(record["kind"])
    told = pattern.fullmatch(record["id"]) if pattern else None
    return told["cluster"] if told else None


def _first(error: ValidationError) -> str:
    """The first error, and its location."""
    fault = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(ascii(part)[1:-1] if isinstance(part, str) else str(part) for part in fault["loc"])
    return f"{place[:200]}: {fault['msg']}"
