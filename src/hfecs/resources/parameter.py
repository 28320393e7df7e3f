"""Secrets, random or given, stored by SSM as SecureString and passed to containers by ARN."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from functools import partial

from hfecs.aws.errors import ignoring
from hfecs.aws.tags import pairs, tags_of
from hfecs.parallel import together
from hfecs.provisioning.resource import Change, Existing
from hfecs.provisioning.stack import Stack
from hfecs.provisioning.state import Record

KIND = "secret-parameter"

GONE = "ParameterNotFound"
PASSWORD_BYTES = 24


def ensure(stack: Stack, name: str, *, value: str = "") -> str:
    """Create the secret with this value, or with 24 random bytes that never change; return its ARN."""
    stack.ensure(
        KIND,
        name,
        survey=survey,
        create=lambda: _create(stack, name, value),
        changes=lambda found: _changes(stack, name, value),
        exists_codes=["ParameterAlreadyExists"],
    )
    return arn(stack, name)


def arn(stack: Stack, name: str) -> str:
    """The ARN of a secret of this cluster."""
    cloud = stack.cloud
    return f"arn:{cloud.partition}:ssm:{cloud.region}:{cloud.account}:parameter{full_name(stack, name)}"


def full_name(stack: Stack, name: str) -> str:
    """The name in AWS: a path of this cluster."""
    return f"/hfecs/{stack.cluster}/{name}"


def read(stack: Stack, name: str) -> str:
    """The secret's value; for a connection of this process, never for the state file, a template or a log."""
    answer = stack.cloud.ssm.get_parameter(Name=full_name(stack, name), WithDecryption=True)
    return answer["Parameter"]["Value"]


def teardown(stack: Stack, record: Record) -> None:
    """Delete the secret."""
    with ignoring(GONE):
        stack.cloud.ssm.delete_parameter(Name=record.id)


def survey(stack: Stack) -> Iterator[Existing]:
    """List the parameters under this cluster's path; their values are not read."""
    prefix = full_name(stack, "")
    pages = stack.cloud.ssm.get_paginator("describe_parameters").paginate(
        ParameterFilters=[{"Key": "Path", "Option": "Recursive", "Values": [prefix.rstrip("/")]}]
    )
    names = [parameter["Name"] for page in pages for parameter in page["Parameters"]]
    for name, tags in zip(names, together(*[partial(_tags, stack, name) for name in names]), strict=True):
        yield Existing(name.removeprefix(prefix), name, ours=stack.owns(tags))


def _create(stack: Stack, name: str, value: str) -> str:
    stack.wait.out(
        ("TooManyUpdates",),
        lambda: stack.cloud.ssm.put_parameter(
            Name=full_name(stack, name),
            Type="SecureString",
            Value=value or secrets.token_urlsafe(PASSWORD_BYTES),
            Tags=pairs(stack.tags(name)),
        ),
        what=f"secret {name} to be accepted",
    )
    return full_name(stack, name)


def _changes(stack: Stack, name: str, value: str) -> Iterator[Change]:
    """A changed value; the old one is not shown."""

    def put() -> None:
        stack.cloud.ssm.put_parameter(Name=full_name(stack, name), Type="SecureString", Value=value, Overwrite=True)

    if value and read(stack, name) != value:
        yield Change("value", "another", "as configured", put)


def _tags(stack: Stack, name: str) -> dict[str, str]:
    with ignoring("InvalidResourceId"):
        return tags_of(stack.cloud.ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId=name)["TagList"])
    return {}
