"""The policy of the README against the calls that stand in the code."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
INSIDE = ("agents", "local")  # run under roles of their own, or on this machine
SERVICES = {
    "application_autoscaling": "application-autoscaling",
    "autoscaling": "autoscaling",
    "cloudwatch": "cloudwatch",
    "ec2": "ec2",
    "ecr": "ecr",
    "ecs": "ecs",
    "iam": "iam",
    "logs": "logs",
    "s3": "s3",
    "ssm": "ssm",
    "sts": "sts",
}
# S3 names many actions otherwise than its calls.
S3 = {
    "delete_objects": ["DeleteObject", "DeleteObjectVersion"],
    "download_file": ["GetObject"],
    "get_bucket_encryption": ["GetEncryptionConfiguration"],
    "get_public_access_block": ["GetBucketPublicAccessBlock"],
    "head_bucket": ["ListBucket"],
    "head_object": ["GetObject"],
    "list_multipart_uploads": ["ListBucketMultipartUploads"],
    "list_object_versions": ["ListBucketVersions"],
    "list_objects_v2": ["ListBucket"],
    "put_bucket_encryption": ["PutEncryptionConfiguration"],
    "put_public_access_block": ["PutBucketPublicAccessBlock"],
    "upload_file": ["PutObject", "AbortMultipartUpload"],
}
# Not calls of their own: tags given at creation, roles that are handed on, what a builder does with a token of ours,
# the demand that `hfecs run` tells as its agents do.
BESIDES = {
    "autoscaling:CreateOrUpdateTags",
    "cloudwatch:PutMetricData",
    "cloudwatch:TagResource",
    "ec2:CreateTags",
    "ecr:BatchCheckLayerAvailability",
    "ecr:BatchGetImage",
    "ecr:CompleteLayerUpload",
    "ecr:GetDownloadUrlForLayer",
    "ecr:InitiateLayerUpload",
    "ecr:PutImage",
    "ecr:TagResource",
    "ecr:UploadLayerPart",
    "ecs:TagResource",
    "iam:PassRole",
    "iam:TagInstanceProfile",
    "iam:TagRole",
    "logs:TagResource",
    "s3:TagResource",
    "servicequotas:GetServiceQuota",
    "ssm:AddTagsToResource",
    "tag:GetResources",
}


def called() -> Iterator[str]:
    """The action of each call in the code."""
    for path in (ROOT / "src" / "hfecs").rglob("*.py"):
        if set(path.parts) & set(INSIDE):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Call(func=ast.Attribute(value=ast.Attribute(attr=service), attr=method), args=arguments):
                    if service in SERVICES:
                        paged = method == "get_paginator"
                        yield from actions(service, arguments[0].value if paged else method)  # type: ignore[attr-defined]


def actions(service: str, method: str) -> list[str]:
    """The actions that a call needs."""
    named = S3.get(method) if service == "s3" else None
    return [f"{SERVICES[service]}:{name}" for name in named or ["".join(map(str.capitalize, method.split("_")))]]


def allowed() -> set[str]:
    statements = json.loads((ROOT / "docs" / "iam-policy.json").read_text())["Statement"]
    listed = [statement["Action"] for statement in statements]
    return {action for item in listed for action in ([item] if isinstance(item, str) else item)}


def test_every_call_is_allowed_and_every_allowed_action_is_called() -> None:
    needed = set(called()) | BESIDES

    assert needed - allowed() == set()
    assert allowed() - needed == set()


def test_a_builder_may_look_at_what_it_pushes_as_the_containerd_image_store_and_buildx_do() -> None:
    assert {"ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"} <= allowed()


def test_the_policy_fits_into_a_managed_policy() -> None:
    document = json.loads((ROOT / "docs" / "iam-policy.json").read_text())

    assert len(json.dumps(document, separators=(",", ":"))) <= 6_144


def test_roles_are_made_and_handed_on_below_our_path_only() -> None:
    statements = json.loads((ROOT / "docs" / "iam-policy.json").read_text())["Statement"]

    for statement in statements:
        if statement["Sid"] in ("Roles", "HandRolesOn"):
            resources = statement["Resource"]
            for resource in [resources] if isinstance(resources, str) else resources:
                assert "/hfecs/*" in resource
