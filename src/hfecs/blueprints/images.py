"""Which images the containers run, and the registry (ECR) with those that were built here.

push() creates a repository for each image and uploads it; the cluster then runs exactly that image, by its digest.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from functools import partial

from hfecs import __version__, templating
from hfecs.aws.clients import Cloud
from hfecs.aws.errors import LOCAL_HINT, ignoring, matches
from hfecs.config import Config
from hfecs.errors import ConfigurationInvalid
from hfecs.images.builder import Builder
from hfecs.images.recipes import NAMES, local_name
from hfecs.parallel import together
from hfecs.provisioning.report import Outcome
from hfecs.provisioning.stack import Stack
from hfecs.provisioning.teardown import Paragraphs, remove, survey
from hfecs.resources import image_repository

STACK = "images"
KIND = "image"

TEARDOWN: Paragraphs = [[image_repository]]

DENIED = ("AccessDeniedException", "AccessDenied")
# Digits of an image's id used in its tag in the registry.
TAG_DIGITS = 12
# Seconds until the registry shows a pushed image.
SHOWN_WITHIN = 60


def require(stack: Stack, config: Config, parts: Sequence[str] = NAMES) -> Config:
    """The configuration with an image for each of these parts: the configured one, otherwise the last one pushed.

    Without one, refuse to start: a cluster that cannot start a container costs money and does nothing.
    """
    wanted = [name for name in parts if not getattr(config.images, name)]
    if not wanted:
        return config
    pushed = _pushed(_own(stack), wanted)
    missing = " and ".join(f"images.{name}" for name in wanted if not pushed.get(name))
    if missing:
        raise ConfigurationInvalid(
            f"No container image for {missing}.",
            hint="build them and push them to ECR: hfecs images build && hfecs images push; "
            f"or set {missing} in hfecs.toml to images that the machines can pull; or {LOCAL_HINT}",
        )
    return config.model_copy(update={"images": config.images.model_copy(update=pushed)})


def push(stack: Stack, builder: Builder) -> dict[str, str]:
    """Upload the images that `builder` has built to this cluster's repositories; return their names with digests.

    Existing ones are not uploaded again.
    """
    tags = {name: f"{__version__}-{builder.identity(local_name(name))[:TAG_DIGITS]}" for name in NAMES}
    stack.survey([image_repository])
    lifecycle = templating.document("images/lifecycle.json")
    uris = together(*[partial(image_repository.ensure, stack, name, lifecycle=lifecycle) for name in NAMES])
    remotes = {name: f"{uri}:{tags[name]}" for name, uri in zip(NAMES, uris, strict=True)}
    there = [name for name, remote in remotes.items() if digest_of(stack.cloud, remote)]
    _upload(stack, builder, {name: remote for name, remote in remotes.items() if name not in there})

    pushed = {}
    for name, remote in remotes.items():
        look = partial(digest_of, stack.cloud, remote)
        digest = stack.wait.until(look, what=f"{remote} to appear", timeout=SHOWN_WITHIN)
        outcome = Outcome.UNCHANGED if name in there else Outcome.CREATED
        pushed[name] = stack.report(outcome, KIND, name, f"{remote.rpartition(':')[0]}@{digest}")
    stack.output(**pushed)
    return pushed


def down(stack: Stack) -> None:
    """Delete the repositories with all their images; without a push, no permission to list them is needed."""
    survey(stack, [image_repository])
    failure = stack.inventory.failures.get(image_repository.KIND)
    if stack.state.records(STACK) or failure is None or not matches(failure, *DENIED):
        remove(stack, TEARDOWN, looked=True)
    stack.output(**dict.fromkeys(NAMES))


def _own(stack: Stack) -> Stack:
    """The stack of the same cluster's images."""
    return Stack(STACK, stack.cluster, stack.cloud, stack.state, stack.reporter, stack.wait, stack.plan)


def _pushed(stack: Stack, wanted: list[str]) -> dict[str, str]:
    """The pushed images, by digest: from the state file, otherwise from the registry."""
    known = {name: stack.outputs().get(name) for name in wanted}
    if all(known.values()):
        return {name: str(value) for name, value in known.items()}
    shown: dict[str, str] = {}
    with ignoring(*DENIED):  # without permission to look, nothing is found
        for found in image_repository.survey(stack):
            digest = newest_digest(stack.cloud, found.id) if found.ours and found.name in wanted else None
            shown |= {found.name: f"{found.id}@{digest}"} if digest else {}
    pushed = shown | {name: str(value) for name, value in known.items() if value}
    stack.output(**pushed)
    return pushed


def _upload(stack: Stack, builder: Builder, remotes: dict[str, str]) -> None:
    if not remotes:
        return
    host = next(iter(remotes.values())).partition("/")[0]
    with builder.logged_in(host, *registry_credentials(stack.cloud)):
        for name, remote in remotes.items():
            builder.push(local_name(name), remote)


def registry_credentials(cloud: Cloud) -> tuple[str, str]:
    """A user and a password for the registry, valid for 12 hours; for a pipe, never for a file or a command line."""
    token = cloud.ecr.get_authorization_token()["authorizationData"][0]["authorizationToken"]
    user, _, password = base64.b64decode(token).decode().partition(":")
    return user, password


def digest_of(cloud: Cloud, image: str) -> str | None:
    """The digest, "sha256:...", of an image with this repository URI and tag; None if there is none."""
    uri, _, tag = image.rpartition(":")
    with ignoring("ImageNotFoundException"):
        answer = cloud.ecr.describe_images(repositoryName=repository_name(uri), imageIds=[{"imageTag": tag}])
        return answer["imageDetails"][0]["imageDigest"]
    return None


def newest_digest(cloud: Cloud, uri: str) -> str | None:
    """The digest of the tagged image pushed last; None if the repository is empty."""
    pages = cloud.ecr.get_paginator("describe_images").paginate(
        repositoryName=repository_name(uri), filter={"tagStatus": "TAGGED"}
    )
    images = [image for page in pages for image in page["imageDetails"]]
    return max(images, key=lambda image: image["imagePushedAt"])["imageDigest"] if images else None


def repository_name(uri: str) -> str:
    """The name of a repository within its registry."""
    return uri.partition("/")[2]
