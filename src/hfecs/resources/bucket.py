"""Buckets: where a workflow's files are stored; closed to the public, encrypted, with a policy that says who may."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from hfecs.aws.errors import ignoring
from hfecs.aws.tags import OWNER_TAG, pairs, tags_of
from hfecs.parallel import together
from hfecs.provisioning.diff import details, of_document
from hfecs.provisioning.resource import Change, Existing, at_once
from hfecs.provisioning.stack import Stack
from hfecs.provisioning.state import Record

KIND = "bucket"

GONE = ("NoSuchBucket", "404", "NotFound")
# The bucket, or a role that its policy names, was created a moment ago.
BUSY = ("OperationAborted", "NoSuchBucket", "MalformedPolicy: Invalid principal")
CLOSED: Any = dict.fromkeys(["BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"], True)
ENCRYPTED: Any = {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]}


def ensure(stack: Stack, name: str, *, policy: Any) -> str:
    """Make the bucket exist, closed to the public, encrypted and with this policy document; return its name."""
    return stack.ensure(
        KIND,
        name,
        survey=lambda stack: _look(stack, name),
        create=lambda: _create(stack, name, policy),
        changes=lambda found: _changes(stack, found, policy),
        exists_codes=["BucketAlreadyOwnedByYou"],
    )


def teardown(stack: Stack, record: Record) -> None:
    """Delete the bucket with all its objects, versions and unfinished uploads."""
    with ignoring(*GONE):
        _empty(stack, record.id)
        stack.cloud.s3.delete_bucket(Bucket=record.id)


def survey(stack: Stack) -> Iterator[Existing]:
    """List the buckets that carry this cluster's tag, and those that the state file names."""
    known = {record.id for record in stack.state.records(stack.name) if record.kind == KIND}
    for name in known:
        yield from _look(stack, name)
    tagging = stack.cloud.client("resourcegroupstaggingapi")
    pages = tagging.get_paginator("get_resources").paginate(
        TagFilters=[{"Key": OWNER_TAG, "Values": [stack.cluster]}], ResourceTypeFilters=["s3"]
    )
    for page in pages:
        for resource in page["ResourceTagMappingList"]:
            name = resource["ResourceARN"].rpartition(":")[2]
            if name not in known:
                yield Existing(name, name, ours=_owns(stack, name, resource["Tags"]))


def _look(stack: Stack, name: str) -> Iterator[Existing]:
    """Look at one bucket; one that answers "forbidden" is somebody else's."""
    with ignoring(*GONE, "403"):
        stack.cloud.s3.head_bucket(Bucket=name)
        tags, access, encryption, policy = together(
            lambda: _setting(lambda: stack.cloud.s3.get_bucket_tagging(Bucket=name)["TagSet"], "NoSuchTagSet"),
            lambda: _setting(
                lambda: stack.cloud.s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"],
                "NoSuchPublicAccessBlockConfiguration",
            ),
            lambda: _setting(
                lambda: stack.cloud.s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"],
                "ServerSideEncryptionConfigurationNotFoundError",
            ),
            lambda: _setting(
                lambda: json.loads(stack.cloud.s3.get_bucket_policy(Bucket=name)["Policy"]), "NoSuchBucketPolicy"
            ),
        )
        actual = {"access": access, "encryption": encryption, "policy": policy}
        yield Existing(name, name, actual, ours=_owns(stack, name, tags))


def _owns(stack: Stack, name: str, tags: Any) -> bool:
    """Whether a bucket is ours to change and delete: never the one in which the state lies."""
    return stack.owns(tags_of(tags)) and name != stack.state.store.bucket


def _setting(read: Callable[[], Any], absent: str) -> Any:
    with ignoring(absent):
        return read()
    return None


def _create(stack: Stack, name: str, policy: Any) -> str:
    place: Any = {"Tags": pairs(stack.tags(name))}
    if stack.cloud.region != "us-east-1":
        place["LocationConstraint"] = stack.cloud.region
    stack.cloud.s3.create_bucket(Bucket=name, CreateBucketConfiguration=place)
    settings: list[Callable[[Stack, str], bool]] = [_tag, _close, _encrypt, partial(_limit, policy=policy)]
    for setting in settings:
        stack.wait.out(BUSY, partial(setting, stack, name), what=f"bucket {name} to be free")
    return name


def _changes(stack: Stack, found: Existing, policy: Any) -> Iterator[Change]:
    access, encryption = found.actual["access"], found.actual["encryption"]
    yield from at_once(details(CLOSED, access, "public access block"), lambda: _close(stack, found.id))
    yield from at_once(details(ENCRYPTED, encryption, "encryption"), lambda: _encrypt(stack, found.id))
    limits = of_document(policy, found.actual["policy"], "policy")
    yield from at_once(
        limits,
        lambda: stack.wait.out(
            BUSY, partial(_limit, stack, found.id, policy=policy), what=f"the roles of bucket {found.id} to be visible"
        ),
    )


def _tag(stack: Stack, name: str) -> bool:
    stack.cloud.s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": pairs(stack.tags(name))})
    return True


def _close(stack: Stack, name: str) -> bool:
    stack.cloud.s3.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=CLOSED)
    return True


def _encrypt(stack: Stack, name: str) -> bool:
    stack.cloud.s3.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration=ENCRYPTED)
    return True


def _limit(stack: Stack, name: str, *, policy: Any) -> bool:
    stack.cloud.s3.put_bucket_policy(Bucket=name, Policy=json.dumps(policy))
    return True


def _empty(stack: Stack, name: str) -> None:
    for uploads in stack.cloud.s3.get_paginator("list_multipart_uploads").paginate(Bucket=name):
        for upload in uploads.get("Uploads", []):
            stack.cloud.s3.abort_multipart_upload(Bucket=name, Key=upload["Key"], UploadId=upload["UploadId"])
    for page in stack.cloud.s3.get_paginator("list_object_versions").paginate(Bucket=name):
        listed: list[Any] = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
        objects: Any = [{"Key": item["Key"], "VersionId": item["VersionId"]} for item in listed]
        if objects:
            stack.cloud.s3.delete_objects(Bucket=name, Delete={"Objects": objects, "Quiet": True})
