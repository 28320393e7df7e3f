"""Instance profiles: how a machine gets its role."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from hfecs.aws.errors import ignoring
from hfecs.aws.tags import pairs, tags_of
from hfecs.provisioning.resource import Change, Existing
from hfecs.provisioning.stack import IAM_ROOT, Stack
from hfecs.provisioning.state import Record

KIND = "instance-profile"

GONE = "NoSuchEntity"


def ensure(stack: Stack, name: str, *, role: str) -> str:
    """Create the profile with the role of that name; return the profile's name."""
    return stack.ensure(
        KIND,
        name,
        survey=survey,
        create=lambda: _create(stack, name, role),
        changes=lambda found: _changes(stack, found, role),
        exists_codes=["EntityAlreadyExists"],
    )


def teardown(stack: Stack, record: Record) -> None:
    """Remove the role from the profile, then delete the profile."""
    with ignoring(GONE):
        profile = stack.cloud.iam.get_instance_profile(InstanceProfileName=record.id)["InstanceProfile"]
        for role in profile["Roles"]:
            _take_out(stack, record.id, role["RoleName"])
        stack.wait.out(
            ("DeleteConflict",),
            lambda: stack.cloud.iam.delete_instance_profile(InstanceProfileName=record.id),
            what=f"instance profile {record.name} to be free",
        )


def survey(stack: Stack) -> Iterator[Existing]:
    """List the profiles under this cluster's path in any case."""
    prefix = stack.iam_name("")
    pages = stack.cloud.iam.get_paginator("list_instance_profiles").paginate(PathPrefix=IAM_ROOT)
    listed = [(each["Path"], each["InstanceProfileName"]) for page in pages for each in page["InstanceProfiles"]]
    for path, full_name in listed:
        if stack.shares_iam_name(path, full_name):
            with ignoring(GONE):
                profile = stack.cloud.iam.get_instance_profile(InstanceProfileName=full_name)["InstanceProfile"]
                ours = stack.owns(tags_of(profile.get("Tags")))
                yield Existing(full_name[len(prefix) :], full_name, profile, ours)


def _create(stack: Stack, name: str, role: str) -> str:
    profile = stack.iam_name(name)
    stack.cloud.iam.create_instance_profile(
        InstanceProfileName=profile, Path=stack.iam_path, Tags=pairs(stack.tags(name))
    )
    _put_in(stack, profile, role)
    return profile


def _changes(stack: Stack, found: Existing, role: str) -> Iterator[Change]:
    roles = [item["RoleName"] for item in found.actual["Roles"]]
    if roles != [role]:
        for other in roles:
            yield Change("role", other, "none", partial(_take_out, stack, found.id, other))
        yield Change("role", "none", role, lambda: _put_in(stack, found.id, role))


def _put_in(stack: Stack, profile: str, role: str) -> None:
    stack.wait.out(
        (GONE,),
        lambda: stack.cloud.iam.add_role_to_instance_profile(InstanceProfileName=profile, RoleName=role),
        what=f"role {role} to be visible",
    )


def _take_out(stack: Stack, profile: str, role: str) -> None:
    with ignoring(GONE):
        stack.cloud.iam.remove_role_from_instance_profile(InstanceProfileName=profile, RoleName=role)
