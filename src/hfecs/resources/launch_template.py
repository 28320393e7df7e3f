"""Launch templates: what a machine of the Auto Scaling group is made of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hfecs.answers import answered_with
from hfecs.aws import pairs, tags_of
from hfecs.resource import Change, Found, digest
from hfecs.stack import Stack
from hfecs.state import Record

KIND = "launch-template"

GONE = ("InvalidLaunchTemplateId.NotFound", "InvalidLaunchTemplateName.NotFoundException")


def ensure(stack: Stack, name: str, *, data: Any) -> str:
    """Make the template exist with this launch data as its latest version; return its id.

    Machines that run keep what they were made of; the next ones take the new version.
    """
    return stack.ensure(
        KIND,
        name,
        survey=survey,
        create=lambda: _create(stack, name, data),
        changes=lambda found: _changes(stack, found, data),
        taken=["InvalidLaunchTemplateName.AlreadyExistsException"],
    )


def teardown(stack: Stack, record: Record) -> None:
    """Delete the template and all its versions."""
    with answered_with(*GONE):
        stack.cloud.ec2.delete_launch_template(LaunchTemplateId=record.id)


def survey(stack: Stack) -> Iterator[Found]:
    """List the templates whose names are of this cluster, each with the digest that its latest version carries."""
    prefix = stack.full_name("")
    answer = stack.cloud.ec2.describe_launch_templates(
        Filters=[{"Name": "launch-template-name", "Values": [f"{prefix}*"]}]
    )
    for template in answer["LaunchTemplates"]:
        name, identifier = template["LaunchTemplateName"], template["LaunchTemplateId"]
        ours = stack.owns(tags_of(template.get("Tags")))
        yield Found(name.removeprefix(prefix), identifier, _digest(stack, identifier), ours)


def _digest(stack: Stack, template_id: str) -> str:
    with answered_with(*GONE):
        answer = stack.cloud.ec2.describe_launch_template_versions(LaunchTemplateId=template_id, Versions=["$Latest"])
        return answer["LaunchTemplateVersions"][0].get("VersionDescription", "")
    return ""


def _create(stack: Stack, name: str, data: Any) -> str:
    answer = stack.cloud.ec2.create_launch_template(
        LaunchTemplateName=stack.full_name(name),
        LaunchTemplateData=data,
        VersionDescription=digest(data),
        TagSpecifications=[{"ResourceType": "launch-template", "Tags": pairs(stack.tags(name))}],
        ClientToken=stack.token(KIND, name),
    )
    return answer["LaunchTemplate"]["LaunchTemplateId"]


def _changes(stack: Stack, found: Found, data: Any) -> Iterator[Change]:
    actual, wanted = str(found.actual), digest(data)
    if actual != wanted:
        yield Change("launch data", actual[:8], wanted[:8], lambda: _add_version(stack, found.id, data))


def _add_version(stack: Stack, template_id: str, data: Any) -> None:
    stack.cloud.ec2.create_launch_template_version(
        LaunchTemplateId=template_id, LaunchTemplateData=data, VersionDescription=digest(data)
    )
