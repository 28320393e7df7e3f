"""Launch templates: the launch settings of the Auto Scaling group's machines."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

from hfecs.aws.errors import ignoring
from hfecs.aws.tags import pairs, tags_of
from hfecs.provisioning.diff import Differences, details, of_document
from hfecs.provisioning.resource import Change, Existing, at_once, digest
from hfecs.provisioning.stack import Stack
from hfecs.provisioning.state import Record

KIND = "launch-template"

GONE = ("InvalidLaunchTemplateId.NotFound", "InvalidLaunchTemplateName.NotFoundException")


def ensure(stack: Stack, name: str, *, data: Any) -> str:
    """Create or update the template with this launch data as its latest version; return its id.

    Running machines keep their version; new ones take the latest.
    """
    return stack.ensure(
        KIND,
        name,
        survey=survey,
        create=lambda: _create(stack, name, data),
        changes=lambda found: _changes(stack, found, data),
        exists_codes=["InvalidLaunchTemplateName.AlreadyExistsException"],
    )


def teardown(stack: Stack, record: Record) -> None:
    """Delete the template and all its versions."""
    with ignoring(*GONE):
        stack.cloud.ec2.delete_launch_template(LaunchTemplateId=record.id)


def survey(stack: Stack) -> Iterator[Existing]:
    """List the templates with this cluster's names, each with its latest version."""
    prefix = stack.full_name("")
    pages = stack.cloud.ec2.get_paginator("describe_launch_templates").paginate(
        Filters=[{"Name": "launch-template-name", "Values": [f"{prefix}*"]}]
    )
    for template in [template for page in pages for template in page["LaunchTemplates"]]:
        name, identifier = template["LaunchTemplateName"], template["LaunchTemplateId"]
        ours = stack.owns(tags_of(template.get("Tags")))
        yield Existing(name.removeprefix(prefix), identifier, _latest(stack, identifier), ours)


def _latest(stack: Stack, template_id: str) -> Any:
    with ignoring(*GONE):
        answer = stack.cloud.ec2.describe_launch_template_versions(LaunchTemplateId=template_id, Versions=["$Latest"])
        return next(iter(answer["LaunchTemplateVersions"]), {})
    return {}


def _create(stack: Stack, name: str, data: Any) -> str:
    answer = stack.cloud.ec2.create_launch_template(
        LaunchTemplateName=stack.full_name(name),
        LaunchTemplateData=data,
        VersionDescription=digest(data),
        TagSpecifications=[{"ResourceType": "launch-template", "Tags": pairs(stack.tags(name))}],
    )
    return answer["LaunchTemplate"]["LaunchTemplateId"]


def _changes(stack: Stack, found: Existing, data: Any) -> Iterator[Change]:
    actual, wanted = found.actual.get("VersionDescription", ""), digest(data)
    told = found.actual.get("LaunchTemplateData", {})
    # moto applies the template's own tags to its machines.
    same, existing = actual == wanted, {field: told[field] for field in told if field != "TagSpecifications"}
    # A version made by hand may have kept our description, so compare its data too.
    fields = details(data, existing) if same else of_document(data, existing) or {"data": (actual[:8], wanted[:8])}
    yield from at_once(_readable(fields), lambda: _add_version(stack, found.id, data))


def _readable(fields: Differences) -> Differences:
    """The decoded user data."""
    if coded := fields.get("UserData"):
        fields["UserData"] = (_text(coded[0]), _text(coded[1]))
    return fields


def _text(coded: str | None) -> str:
    return base64.b64decode(coded or "").decode(errors="replace")


def _add_version(stack: Stack, template_id: str, data: Any) -> None:
    stack.cloud.ec2.create_launch_template_version(
        LaunchTemplateId=template_id, LaunchTemplateData=data, VersionDescription=digest(data)
    )
