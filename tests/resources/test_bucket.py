from __future__ import annotations

from typing import Any

import pytest

from hfecs import templating
from hfecs.errors import AwsFailed, Leftovers, NotOurs
from hfecs.provisioning.stack import Stack
from hfecs.provisioning.state import Record
from hfecs.provisioning.teardown import remove
from hfecs.resources import bucket
from support import WatchedCloud, again, nothing_changes, steps

NAME = "hfecs-files"
ROLES = {f"{name}_role": f"arn:aws:iam::123456789012:role/hfecs/c/{name}" for name in ("worker", "runner")}
POLICY = templating.document("policies/bucket.json", partition="aws", bucket=NAME, **ROLES)


def make(stack: Stack) -> str:
    return bucket.ensure(stack, NAME, policy=POLICY)


def test_a_bucket_is_closed_to_the_public(stack: Stack) -> None:
    make(stack)

    answer = stack.cloud.s3.get_public_access_block(Bucket=NAME)["PublicAccessBlockConfiguration"]
    assert answer == {
        "BlockPublicAcls": True,
        "IgnorePublicAcls": True,
        "BlockPublicPolicy": True,
        "RestrictPublicBuckets": True,
    }


def test_a_bucket_is_encrypted(stack: Stack) -> None:
    make(stack)

    rules = stack.cloud.s3.get_bucket_encryption(Bucket=NAME)["ServerSideEncryptionConfiguration"]["Rules"]
    assert [rule["ApplyServerSideEncryptionByDefault"] for rule in rules] == [{"SSEAlgorithm": "AES256"}]


def test_a_bucket_is_reached_over_tls_only() -> None:
    (statement,) = [one for one in POLICY["Statement"] if one["Effect"] == "Deny"]

    assert statement["Effect"] == "Deny"
    assert statement["Principal"] == "*"
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert statement["Resource"] == [f"arn:aws:s3:::{NAME}", f"arn:aws:s3:::{NAME}/*"]


def test_a_bucket_in_another_region_stands_there(cloud: WatchedCloud, state: Any) -> None:
    from support import stack_of

    make(stack_of(WatchedCloud("eu-west-1"), state))

    assert cloud.s3.get_bucket_location(Bucket=NAME)["LocationConstraint"] == "eu-west-1"


@pytest.mark.parametrize(
    ("undo", "named"),
    [
        (
            lambda s3: s3.delete_public_access_block(Bucket=NAME),
            "public access block: none -> {'BlockPublicAcls': True",
        ),
        (lambda s3: s3.delete_bucket_encryption(Bucket=NAME), "encryption"),
        (lambda s3: s3.delete_bucket_policy(Bucket=NAME), "policy"),
    ],
)
def test_what_somebody_opened_is_closed_again(stack: Stack, cloud: WatchedCloud, undo: Any, named: str) -> None:
    make(stack)
    undo(stack.cloud.s3)
    later = again(stack)

    make(later)

    assert named in steps(later)[0].detail
    with nothing_changes(cloud):
        make(again(stack))


def test_a_strangers_bucket_is_refused_with_its_data(stack: Stack, cloud: WatchedCloud) -> None:
    stack.cloud.s3.create_bucket(Bucket=NAME)

    with nothing_changes(cloud), pytest.raises(NotOurs, match=NAME):
        make(stack)


def test_a_bucket_that_may_not_be_looked_at_belongs_to_somebody_else(stack: Stack, cloud: WatchedCloud) -> None:
    cloud.refuse("HeadBucket", "403", "Forbidden")
    cloud.refuse("CreateBucket", "BucketAlreadyExists", "not available")

    with pytest.raises(AwsFailed, match="BucketAlreadyExists") as raised:
        make(stack)

    assert "choose another --bucket" in raised.value.hint


def test_a_name_that_was_deleted_a_moment_ago_is_not_waited_for(stack: Stack, cloud: WatchedCloud) -> None:
    cloud.refuse("CreateBucket", "OperationAborted", "conflicting operation")

    with pytest.raises(AwsFailed) as raised:
        make(stack)

    assert "choose another --bucket" in raised.value.hint


@pytest.mark.parametrize("code", ["NoSuchBucket", "OperationAborted"])
def test_a_bucket_that_is_not_ready_yet_gets_its_settings_later(stack: Stack, cloud: WatchedCloud, code: str) -> None:
    for operation in ("PutPublicAccessBlock", "PutBucketEncryption", "PutBucketPolicy"):
        cloud.refuse(operation, code, times=2)

    make(stack)

    with nothing_changes(cloud):
        make(again(stack))


def test_a_role_that_was_created_a_moment_ago_is_waited_for(stack: Stack, cloud: WatchedCloud) -> None:
    stack.cloud.s3.create_bucket(Bucket=NAME)
    bucket._tag(stack, NAME)
    cloud.refuse("PutBucketPolicy", "MalformedPolicy", "Invalid principal in policy", times=3)

    make(stack)

    with nothing_changes(cloud):
        make(again(stack))


def test_a_bucket_goes_with_all_its_objects_versions_and_uploads(stack: Stack) -> None:
    make(stack)
    s3 = stack.cloud.s3
    s3.put_bucket_versioning(Bucket=NAME, VersioningConfiguration={"Status": "Enabled"})
    for body in (b"old", b"new"):
        s3.put_object(Bucket=NAME, Key="input/a", Body=body)
    s3.delete_object(Bucket=NAME, Key="input/a")
    s3.create_multipart_upload(Bucket=NAME, Key="input/b")

    remove(again(stack), [[bucket]])

    assert s3.list_buckets()["Buckets"] == []


def test_a_bucket_is_found_by_its_tags_from_another_machine(stack: Stack) -> None:
    make(stack)
    stack.cloud.s3.create_bucket(Bucket="of-a-stranger")

    found = list(bucket.survey(again(stack)))

    assert [(item.id, item.ours) for item in found] == [(NAME, True)]


def test_a_recorded_name_that_a_stranger_has_now_keeps_its_data(stack: Stack) -> None:
    stack.cloud.s3.create_bucket(Bucket=NAME)
    stack.cloud.s3.put_object(Bucket=NAME, Key="theirs", Body=b"")
    stack.state.record("cluster", Record(bucket.KIND, NAME, NAME))

    with pytest.raises(Leftovers, match="no longer carries the tags"):
        remove(stack, [[bucket]])

    assert [item["Key"] for item in stack.cloud.s3.list_objects_v2(Bucket=NAME)["Contents"]] == ["theirs"]


def put(stack: Stack, *keys: str) -> None:
    for key in keys:
        stack.cloud.s3.put_object(Bucket=NAME, Key=key, Body=b"")


def test_a_bucket_of_more_objects_than_one_call_deletes_goes(stack: Stack, cloud: WatchedCloud) -> None:
    make(stack)
    put(stack, *(f"input/{number}" for number in range(1205)))

    remove(again(stack), [[bucket]])

    assert stack.cloud.s3.list_buckets()["Buckets"] == []


def test_what_is_written_while_a_bucket_is_emptied_goes_too(stack: Stack, cloud: WatchedCloud) -> None:
    make(stack)
    put(stack, "a", "b")
    late = iter(["c", "d", "e"])

    def write(**_: object) -> None:
        if key := next(late, None):
            put(stack, key)

    for operation in ("DeleteObjects", "DeleteBucket"):
        stack.cloud.s3.meta.events.register(f"before-call.s3.{operation}", write, unique_id=f"write-{operation}")
    try:
        remove(again(stack), [[bucket]])
    finally:
        for operation in ("DeleteObjects", "DeleteBucket"):
            stack.cloud.s3.meta.events.unregister(f"before-call.s3.{operation}", unique_id=f"write-{operation}")

    assert stack.cloud.s3.list_buckets()["Buckets"] == []


def test_an_object_that_may_not_be_deleted_is_told_with_its_reason_and_the_others_go(
    stack: Stack, cloud: WatchedCloud
) -> None:
    make(stack)
    put(stack, "a", "held")
    refused = {"Key": "held", "VersionId": "null", "Code": "AccessDenied", "Message": "explicit deny"}
    cloud.answer("DeleteObjects", Errors=[refused])

    with pytest.raises(Leftovers, match=r"AWS answered DeleteObjects with AccessDenied: explicit deny .object 'held'"):
        remove(again(stack), [[bucket]])

    assert "DeleteBucket" not in cloud.changing()


def test_several_objects_that_may_not_be_deleted_are_counted(stack: Stack, cloud: WatchedCloud) -> None:
    make(stack)
    put(stack, "a", "b", "c")
    cloud.answer("DeleteObjects", Errors=[{"Key": key, "VersionId": "null", "Code": "AccessDenied"} for key in "abc"])

    with pytest.raises(Leftovers, match=r"no reason given .object 'a', and 2 objects more"):
        remove(again(stack), [[bucket]])


@pytest.mark.parametrize("key", ["ctrl\x01.txt", "a\x0b", "b\x1f", "c\rd", "\ufffe"])
def test_a_key_that_xml_cannot_hold_is_deleted_by_itself(stack: Stack, cloud: WatchedCloud, key: str) -> None:
    make(stack)
    put(stack, "plain")
    listed = {"Versions": [{"Key": name, "VersionId": "null"} for name in ("plain", key)]}
    cloud.answer_once("ListObjectVersions", **listed)

    remove(again(stack), [[bucket]])

    assert [call["Key"] for call in cloud.calls_of("DeleteObject")] == [key]
    (together,) = cloud.calls_of("DeleteObjects")
    assert [item["Key"] for item in together["Delete"]["Objects"]] == ["plain"]


def test_a_key_that_xml_cannot_hold_and_that_may_not_be_deleted_is_told(stack: Stack, cloud: WatchedCloud) -> None:
    make(stack)
    cloud.answer_once("ListObjectVersions", Versions=[{"Key": "ctrl\x01", "VersionId": "null"}])
    cloud.refuse("DeleteObject", "AccessDenied", "not you")

    with pytest.raises(Leftovers, match=r"AccessDenied: not you .object 'ctrl\\x01'"):
        remove(again(stack), [[bucket]])


def test_an_unfinished_upload_with_a_name_in_url_form_is_aborted_by_its_real_name(
    stack: Stack, cloud: WatchedCloud
) -> None:
    make(stack)
    upload = {"Key": "input/ctrl%01+b", "UploadId": "u"}
    cloud.answer_once("ListMultipartUploads", EncodingType="url", Uploads=[upload])
    cloud.answer_once("AbortMultipartUpload", ResponseMetadata={})

    remove(again(stack), [[bucket]])

    assert [call["Key"] for call in cloud.calls_of("AbortMultipartUpload")] == ["input/ctrl\x01 b"]
