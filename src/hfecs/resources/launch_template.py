"""Launch templates: what a machine of the Auto Scaling group is made of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hfecs.answers import answered_with
from hfecs.aws import DIGEST_TAG, pairs, tags_of
from hfecs.resource import Change, Found, digest
from hfecs.stack import Stack
from hfecs.state import Record

KIND = "launch-template"


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
    with answered_with("InvalidLaunchTemplateId.NotFound", "InvalidLaunchTemplateName.NotFoundException"):
        stack.cloud.ec2.delete_launch_template(LaunchTemplateId=record.id)


def survey(stack: Stack) -> Iterator[Found]:
    """List the templates whose names are of this cluster."""
    prefix = stack.full_name("")
    answer = stack.cloud.ec2.describe_launch_templates(
        Filters=[{"Name": "launch-template-name", "Values": [f"{prefix}*"]}]
    )
    for template in answer["LaunchTemplates"]:
        tags = tags_of(template.get("Tags"))
        name = template["LaunchTemplateName"]
        if name.startswith(prefix):
            yield Found(name.removeprefix(prefix), template["LaunchTemplateId"], tags, ours=stack.owns(tags))


def _create(stack: Stack, name: str, data: Any) -> str:
    tags = stack.tags(name) | {DIGEST_TAG: digest(data)}
    answer = stack.cloud.ec2.create_launch_template(
        LaunchTemplateName=stack.full_name(name),
        LaunchTemplateData=data,
        TagSpecifications=[{"ResourceType": "launch-template", "Tags": pairs(tags)}],
        ClientToken=stack.token(KIND, name),
    )
    return answer["LaunchTemplate"]["LaunchTemplateId"]


def _changes(stack: Stack, found: Found, data: Any) -> Iterator[Change]:
    actual, wanted = found.actual.get(DIGEST_TAG, "none"), digest(data)
    if actual != wanted:
        yield Change("launch data", actual[:8], wanted[:8], lambda: _add_version(stack, found.id, data))


def _add_version(stack: Stack, template_id: str, data: Any) -> None:
    """Add the version first: killed in between, the next run adds it once more, and no machine gets old data."""
    stack.cloud.ec2.create_launch_template_version(LaunchTemplateId=template_id, LaunchTemplateData=data)
    stack.cloud.ec2.create_tags(Resources=[template_id], Tags=pairs({DIGEST_TAG: digest(data)}))
