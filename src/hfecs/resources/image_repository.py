"""Image repositories in ECR for the containers' images; scanned on push, with immutable tags."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import partial
from typing import Any

from hfecs.aws.errors import ignoring
from hfecs.aws.tags import pairs, tags_of
from hfecs.parallel import together
from hfecs.provisioning.diff import details
from hfecs.provisioning.resource import Change, Existing, at_once
from hfecs.provisioning.stack import Stack
from hfecs.provisioning.state import Record

KIND = "image-repository"

GONE = "RepositoryNotFoundException"


def ensure(stack: Stack, name: str, *, lifecycle: Any) -> str:
    """Create the repository, with a policy document that says which images expire; return its URI."""
    return stack.ensure(
        KIND,
        name,
        survey=survey,
        create=lambda: _create(stack, name, lifecycle),
        changes=lambda found: _changes(stack, found, lifecycle),
        exists_codes=["RepositoryAlreadyExistsException"],
    )


def full_name(stack: Stack, name: str) -> str:
    """The name in AWS: a path of this cluster, in lower case and without repeated separators, as ECR requires."""
    cluster = re.sub(r"([_-])[_-]+", r"\1", stack.cluster.lower()).rstrip("_-")
    return f"hfecs/{cluster}/{name}"


def teardown(stack: Stack, record: Record) -> None:
    """Delete the repository with all its images."""
    with ignoring(GONE):
        stack.cloud.ecr.delete_repository(repositoryName=_name_of(record.id), force=True)


def survey(stack: Stack) -> Iterator[Existing]:
    """List the repositories under this cluster's path."""
    prefix = full_name(stack, "")
    pages = stack.cloud.ecr.get_paginator("describe_repositories").paginate()
    listed = [item for page in pages for item in page["repositories"] if item["repositoryName"].startswith(prefix)]
    details = together(*[partial(_details, stack, item["repositoryArn"], item["repositoryName"]) for item in listed])
    for repository, (tags, lifecycle) in zip(listed, details, strict=True):
        name = repository["repositoryName"].removeprefix(prefix)
        actual = {**repository, "lifecycle": lifecycle}
        yield Existing(name, repository["repositoryUri"], actual, ours=stack.owns(tags))


def _name_of(uri: str) -> str:
    return uri.partition("/")[2]


def _details(stack: Stack, arn: str, full_name: str) -> tuple[dict[str, str], Any]:
    """Tags and lifecycle policy; one that is being deleted has neither."""
    lifecycle = None
    with ignoring(GONE):
        tags = tags_of(stack.cloud.ecr.list_tags_for_resource(resourceArn=arn)["tags"])
        with ignoring("LifecyclePolicyNotFoundException"):
            answer = stack.cloud.ecr.get_lifecycle_policy(repositoryName=full_name)
            lifecycle = json.loads(answer["lifecyclePolicyText"])
        return tags, lifecycle
    return {}, None


def _create(stack: Stack, name: str, lifecycle: Any) -> str:
    answer = stack.cloud.ecr.create_repository(
        repositoryName=full_name(stack, name),
        tags=pairs(stack.tags(name)),
        imageTagMutability="IMMUTABLE",
        imageScanningConfiguration={"scanOnPush": True},
    )
    uri = answer["repository"]["repositoryUri"]
    _drop(stack, uri, lifecycle)
    return uri


def _changes(stack: Stack, found: Existing, lifecycle: Any) -> Iterator[Change]:
    name = _name_of(found.id)
    if found.actual["imageTagMutability"] != "IMMUTABLE":
        yield Change(
            "tags",
            "can be moved",
            "stay",
            lambda: stack.cloud.ecr.put_image_tag_mutability(repositoryName=name, imageTagMutability="IMMUTABLE"),
        )
    if not found.actual["imageScanningConfiguration"]["scanOnPush"]:
        scan: Any = {"scanOnPush": True}
        yield Change(
            "scan on push",
            False,
            True,
            lambda: stack.cloud.ecr.put_image_scanning_configuration(
                repositoryName=name, imageScanningConfiguration=scan
            ),
        )
    dropped = details(lifecycle, found.actual["lifecycle"], "lifecycle")
    yield from at_once(dropped, lambda: _drop(stack, found.id, lifecycle))


def _drop(stack: Stack, uri: str, lifecycle: Any) -> None:
    text = json.dumps(lifecycle)
    stack.cloud.ecr.put_lifecycle_policy(repositoryName=_name_of(uri), lifecyclePolicyText=text)
