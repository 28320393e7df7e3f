"""What the registry (ECR) contains, and how to log in to it."""

from __future__ import annotations

import base64

from hfecs.aws.clients import Cloud
from hfecs.aws.errors import ignoring


def credentials(cloud: Cloud) -> tuple[str, str]:
    """A user and a password for the registry, valid for 12 hours; for a pipe, never for a file or a command line."""
    token = cloud.ecr.get_authorization_token()["authorizationData"][0]["authorizationToken"]
    user, _, password = base64.b64decode(token).decode().partition(":")
    return user, password


def digest_of(cloud: Cloud, image: str) -> str | None:
    """The digest, "sha256:...", of an image with this repository URI and tag; None if there is none."""
    uri, _, tag = image.rpartition(":")
    with ignoring("ImageNotFoundException"):
        answer = cloud.ecr.describe_images(repositoryName=repository(uri), imageIds=[{"imageTag": tag}])
        return answer["imageDetails"][0]["imageDigest"]
    return None


def newest(cloud: Cloud, uri: str) -> str | None:
    """The digest of the tagged image pushed last; None if the repository is empty."""
    pages = cloud.ecr.get_paginator("describe_images").paginate(
        repositoryName=repository(uri), filter={"tagStatus": "TAGGED"}
    )
    images = [image for page in pages for image in page["imageDetails"]]
    return max(images, key=lambda image: image["imagePushedAt"])["imageDigest"] if images else None


def repository(uri: str) -> str:
    """The name of a repository within its registry."""
    return uri.partition("/")[2]
