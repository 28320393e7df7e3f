"""Buckets: where a workflow's files are stored; closed to the public, encrypted, with a policy that says who may."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from urllib.parse import unquote_plus

from hfecs.aws.errors import failed, ignoring, refusal
from hfecs.aws.tags import OWNER_TAG, pairs, tags_of
from hfecs.parallel import together
from hfecs.provisioning.diff import details, of_document
from hfecs.provisioning.resource import Change, Existing, at_once
from hfecs.provisioning.stack import Stack
from hfecs.provisioning.state import Record

KIND = "bucket"

# An object's key and version; a code of S3 and its words.
Version = tuple[str, str]
Refusal = tuple[str, str]

# XML 1.0 has no way to write these, and reads a carriage return as a new line.
NOT_IN_XML = re.compile("[^\\t\\n\\x20-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]")

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


def look(stack: Stack, name: str) -> None:
    """Look at one bucket before `ensure`; NotOurs if somebody else created it."""
    stack.inventory.remember(KIND, _look(stack, name))
    stack.found(KIND, name, survey)


def teardown(stack: Stack, record: Record) -> None:
    """Delete the bucket with all its objects, versions and unfinished uploads."""

    def delete() -> None:
        with ignoring(*GONE):
            _empty(stack, record.id)
            stack.cloud.s3.delete_bucket(Bucket=record.id)

    # Others may write while it is emptied.
    what = f"bucket {record.name} to stay empty: something writes to it"
    stack.wait.out(("BucketNotEmpty",), delete, what=what, timeout=120)


def held(stack: Stack, name: str) -> str:
    """How much a bucket holds, in words; of more than a thousand objects only that they are more."""
    with ignoring("NoSuchBucket"):
        page = stack.cloud.s3.list_objects_v2(Bucket=name)
        objects = page.get("Contents", [])
        more = "more than " if page.get("IsTruncated") else ""
        size = sum(item.get("Size", 0) for item in objects)
        return f"{more}{len(objects):,} objects, {more}{size / 1e6:,.1f} MB"
    return "is gone"


def survey(stack: Stack) -> Iterator[Existing]:
    """List the buckets that carry this cluster's tag, and those that the state file names."""
    known = {record.id for record in stack.records if record.kind == KIND}
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
    settings: list[Callable[[Stack, str], None]] = [_tag, _close, _encrypt, partial(_limit, policy=policy)]
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


def _tag(stack: Stack, name: str) -> None:
    stack.cloud.s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": pairs(stack.tags(name))})


def _close(stack: Stack, name: str) -> None:
    stack.cloud.s3.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=CLOSED)


def _encrypt(stack: Stack, name: str) -> None:
    stack.cloud.s3.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration=ENCRYPTED)


def _limit(stack: Stack, name: str, *, policy: Any) -> None:
    stack.cloud.s3.put_bucket_policy(Bucket=name, Policy=json.dumps(policy))


def _empty(stack: Stack, name: str) -> None:
    """Delete all uploads, objects and versions; each pass lists from the start, since the list shrinks under it."""
    aborted: set[tuple[str, str]] = set()
    while _abort_uploads(stack, name, aborted):
        pass
    refused: dict[Version, Refusal] = {}
    deleted: set[Version] = set()
    while _delete_objects(stack, name, refused, deleted):
        pass
    if refused:
        (key, _), (code, reason) = next(iter(refused.items()))
        others = f", and {len(refused) - 1} objects more" if len(refused) > 1 else ""
        raise failed("DeleteObjects", code, f"{reason or 'no reason given'} (object {key!r}{others})")


def _abort_uploads(stack: Stack, name: str, aborted: set[tuple[str, str]]) -> bool:
    """Abort the first unfinished uploads; whether there were any that had not been aborted before."""
    # Not every server can tell of any; botocore does not decode the names of this list.
    page = stack.cloud.s3.list_multipart_uploads(Bucket=name, EncodingType="url")
    decoded = unquote_plus if page.get("EncodingType") == "url" else str
    uploads = {(decoded(upload["Key"]), upload["UploadId"]) for upload in page.get("Uploads") or []} - aborted
    for key, upload_id in sorted(uploads):
        with ignoring("NoSuchUpload"):
            stack.cloud.s3.abort_multipart_upload(Bucket=name, Key=key, UploadId=upload_id)
    aborted |= uploads
    return bool(uploads)


def _delete_objects(stack: Stack, name: str, refused: dict[Version, Refusal], deleted: set[Version]) -> bool:
    """Delete all that is listed, page by page; whether something was deleted that had not been before.

    What S3 refuses is added to `refused`. What it lists again after it was deleted does not count.
    """
    before = len(deleted)
    for page in stack.cloud.s3.get_paginator("list_object_versions").paginate(Bucket=name):
        listed: list[Any] = [*(page.get("Versions") or []), *(page.get("DeleteMarkers") or [])]
        versions = [version for item in listed if (version := (item["Key"], item["VersionId"])) not in refused]
        together(*[partial(_delete_one, stack, name, version, refused) for version in versions if not _in_xml(version)])
        in_xml: Any = [{"Key": key, "VersionId": version} for key, version in versions if _in_xml((key, version))]
        failures: list[Any] = []
        if in_xml:
            answer = stack.cloud.s3.delete_objects(Bucket=name, Delete={"Objects": in_xml, "Quiet": True})
            failures = answer.get("Errors") or []
        for failure in failures:
            version = failure.get("Key") or "", failure.get("VersionId") or "null"
            refused[version] = failure.get("Code") or "", failure.get("Message") or ""
        deleted.update(version for version in versions if version not in refused)
    return len(deleted) > before


def _delete_one(stack: Stack, name: str, version: Version, refused: dict[Version, Refusal]) -> None:
    answer = refusal(lambda: stack.cloud.s3.delete_object(Bucket=name, Key=version[0], VersionId=version[1]))
    if answer:
        refused[version] = answer


def _in_xml(version: Version) -> bool:
    """Whether XML, in which DeleteObjects sends keys, can hold this one."""
    return not NOT_IN_XML.search(version[0])
