"""Task definitions: which containers run together, and how."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import chain
from typing import Any

from hfecs.aws.errors import ignoring
from hfecs.aws.tags import DIGEST_TAG, lower_pairs, tags_of
from hfecs.parallel import together
from hfecs.provisioning.diff import details
from hfecs.provisioning.resource import Change, Existing, at_once, digest
from hfecs.provisioning.stack import Stack
from hfecs.provisioning.state import Record

KIND = "task-definition"

GONE = "ClientException"


def ensure(stack: Stack, name: str, *, definition: Any) -> str:
    """Make this definition the latest revision of the family; return its ARN."""
    return stack.ensure(
        KIND,
        name,
        survey=survey,
        create=lambda: _register(stack, name, definition),
        changes=lambda found: _changes(stack, name, found, definition),
    )


def registered(stack: Stack, name: str) -> Any:
    """The latest revision in ECS; None if there is none."""
    found = stack.found(KIND, name, survey)
    return found.actual["taskDefinition"] if found else None


def teardown(stack: Stack, record: Record) -> None:
    """Deregister all active revisions of the family."""
    pages = stack.cloud.ecs.get_paginator("list_task_definitions").paginate(
        familyPrefix=stack.full_name(record.name), status="ACTIVE"
    )
    for arn in [arn for page in pages for arn in page["taskDefinitionArns"]]:
        with ignoring(GONE):
            stack.cloud.ecs.deregister_task_definition(taskDefinition=arn)


def survey(stack: Stack) -> Iterator[Existing]:
    """List the latest revision of each family with this cluster's names."""
    prefix = stack.full_name("")
    pages = stack.cloud.ecs.get_paginator("list_task_definition_families").paginate(
        familyPrefix=prefix, status="ACTIVE"
    )
    families = [family for page in pages for family in page["families"] if family.startswith(prefix)]
    for family, answer in zip(
        families, together(*[partial(_latest, stack, family) for family in families]), strict=True
    ):
        if answer:
            tags = tags_of(answer.get("tags"))
            arn = answer["taskDefinition"]["taskDefinitionArn"]
            yield Existing(family.removeprefix(prefix), arn, answer, ours=stack.owns(tags))


def _latest(stack: Stack, family: str) -> Any:
    """The latest revision of ours; if none is, the one that the state file names, or the latest."""
    latest = _described(stack, family)
    if latest is None or stack.owns(tags_of(latest.get("tags"))):
        return latest
    pages = stack.cloud.ecs.get_paginator("list_task_definitions").paginate(familyPrefix=family, status="ACTIVE")
    names = [arn.rpartition("/")[2].rpartition(":") for page in pages for arn in page["taskDefinitionArns"]]
    revisions = sorted((int(revision) for name, _, revision in names if name == family), reverse=True)
    earlier = [known for revision in revisions if (known := _described(stack, f"{family}:{revision}"))]
    recorded = {record.id for record in stack.records if record.kind == KIND}
    ours = (known for known in earlier if stack.owns(tags_of(known.get("tags"))))
    named = (known for known in earlier if known["taskDefinition"]["taskDefinitionArn"] in recorded)
    return next(chain(ours, named), latest)


def _described(stack: Stack, definition: str) -> Any:
    with ignoring(GONE):
        answer = stack.cloud.ecs.describe_task_definition(taskDefinition=definition, include=["TAGS"])
        return answer if answer["taskDefinition"]["status"] == "ACTIVE" else None
    return None


def _register(stack: Stack, name: str, definition: Any) -> str:
    tags = stack.tags(name) | {DIGEST_TAG: digest(definition)}
    answer = stack.cloud.ecs.register_task_definition(
        family=stack.full_name(name), tags=lower_pairs(tags), **definition
    )
    return answer["taskDefinition"]["taskDefinitionArn"]


def _changes(stack: Stack, name: str, found: Existing, definition: Any) -> Iterator[Change]:
    actual, wanted = tags_of(found.actual.get("tags")).get(DIGEST_TAG, "none"), digest(definition)
    if actual != wanted:
        fields = details(definition, found.actual["taskDefinition"]) or {"definition": (actual[:8], wanted[:8])}
        yield from at_once(fields, lambda: _register(stack, name, definition), replaces=True)
