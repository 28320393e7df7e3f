"""A machine with a docker of paper, and a cloud whose registry receives what that pushes."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from hfecs.blueprints import images
from hfecs.images.builder import Builder
from hfecs.provisioning.stack import Stack
from hfecs.provisioning.state import State
from images.fakes import Paper
from support import FakeClock, WatchedCloud, stack_of

HOST = "123456789012.dkr.ecr.us-east-1.amazonaws.com"


def put(cloud: WatchedCloud, remote: str) -> str:
    """What the registry does when an image arrives; return its digest."""
    repository, _, tag = remote.partition("/")[2].partition(":")
    kind = "application/vnd.oci.image.manifest.v1+json"
    manifest = json.dumps({"schemaVersion": 2, "mediaType": kind, "config": {"digest": tag}, "layers": []})
    answer = cloud.ecr.put_image(repositoryName=repository, imageManifest=manifest, imageTag=tag)
    return answer["image"]["imageId"]["imageDigest"]


@dataclass
class Arrival(FakeClock):
    """While one waits, what docker pushed arrives in the registry."""

    arrive: Callable[[], None] = lambda: None

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        self.arrive()


@dataclass(frozen=True)
class Site:
    """A machine with a docker of paper, and a cloud whose registry receives what that pushes."""

    cloud: WatchedCloud
    state: State
    paper: Paper

    def stack(self, name: str = images.STACK, state: State | None = None) -> Stack:
        arrived: set[str] = set()

        def arrive() -> None:
            for words in self.paper.words("push"):
                if words[1] not in arrived:
                    arrived.add(words[1])
                    put(self.cloud, words[1])

        return stack_of(self.cloud, state or self.state, name, clock=Arrival(arrive=arrive))

    def push(self) -> dict[str, str]:
        return images.push(self.stack(), Builder("docker"))


@pytest.fixture
def site(cloud: WatchedCloud, state: State, paper: Paper) -> Site:
    paper.install("docker")
    return Site(cloud, state, paper)
