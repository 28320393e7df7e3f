"""Bucket policies that allow TLS only, conditional writes, and tags at creation.

Calls here use HTTP on loopback and count as secure, since they are on AWS.
"""

from __future__ import annotations

import threading
from typing import Any
from xml.etree import ElementTree

from moto.iam.access_control import IAMPolicyStatement, PermissionResult
from moto.s3.responses import S3Response

from hfecs.local.control_plane.moto_patches.patching import replace
from hfecs.local.reconciler import Reconciler


def apply(_: Reconciler) -> None:
    """Patch the evaluation of policies, since moto ignores conditions in statements; and the writes."""
    write_one_at_a_time()
    tag_at_creation()

    def is_action_permitted(statement: Any, *arguments: Any, **options: Any) -> Any:
        condition = statement._statement.get("Condition") or {}
        if str(condition.get("Bool", {}).get("aws:SecureTransport")).lower() == "false":
            return PermissionResult.NEUTRAL
        return permitted(statement, *arguments, **options)

    permitted = replace(IAMPolicyStatement, "is_action_permitted", is_action_permitted)


def write_one_at_a_time() -> None:
    """Make checking a condition (If-Match, If-None-Match) and writing one atomic step."""
    turn = threading.Lock()

    def put_object(response: Any) -> Any:
        with turn:
            return put(response)

    def delete_object(response: Any) -> Any:
        with turn:
            return delete(response)

    put = replace(S3Response, "put_object", put_object)
    delete = replace(S3Response, "delete_object", delete_object)


def tag_at_creation() -> None:
    """CreateBucket applies the tags of its configuration."""

    def put_bucket(response: Any, request: Any, bucket_name: str, querystring: dict[str, Any]) -> Any:
        is_new = bucket_name not in response.backend.buckets
        answer = put(response, request, bucket_name, querystring)
        if is_new and (tags := _tags(response.body)):
            response.backend.put_bucket_tagging(bucket_name, tags)
        return answer

    put = replace(S3Response, "_bucket_response_put", put_bucket)


def _tags(body: bytes) -> dict[str, str]:
    """The tags in a CreateBucketConfiguration."""
    if not body:
        return {}
    tags = ElementTree.fromstring(body).iterfind("{*}Tags/{*}Tag")
    return {tag.findtext("{*}Key", ""): tag.findtext("{*}Value", "") for tag in tags}
