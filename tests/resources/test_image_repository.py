from __future__ import annotations

import json
from typing import Any

import pytest

from hfecs.provisioning.report import Outcome
from hfecs.provisioning.stack import Stack
from hfecs.provisioning.state import State
from hfecs.provisioning.teardown import remove
from hfecs.resources import image_repository
from support import WatchedCloud, again, outcomes, stack_of, steps

RULE = {
    "rulePriority": 1,
    "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 10},
    "action": {"type": "expire"},
}


def make(stack: Stack, rule: dict[str, Any] = RULE) -> str:
    return image_repository.ensure(stack, "worker", lifecycle={"rules": [rule]})


def test_its_images_are_scanned_bounded_in_number_and_keep_their_tags(stack: Stack) -> None:
    uri = make(stack)

    (repository,) = stack.cloud.ecr.describe_repositories()["repositories"]
    policy = stack.cloud.ecr.get_lifecycle_policy(repositoryName="hfecs/hyperflow/worker")["lifecyclePolicyText"]
    assert uri == repository["repositoryUri"]
    assert repository["repositoryName"] == "hfecs/hyperflow/worker"
    assert repository["imageTagMutability"] == "IMMUTABLE"
    assert repository["imageScanningConfiguration"]["scanOnPush"] is True
    assert json.loads(policy) == {"rules": [RULE]}


def test_what_somebody_changed_is_mended(stack: Stack) -> None:
    name = make(stack).partition("/")[2]
    stack.cloud.ecr.put_image_tag_mutability(repositoryName=name, imageTagMutability="MUTABLE")
    stack.cloud.ecr.put_image_scanning_configuration(
        repositoryName=name, imageScanningConfiguration={"scanOnPush": False}
    )
    stack.cloud.ecr.delete_lifecycle_policy(repositoryName=name)
    later = again(stack)

    make(later)

    (step,) = steps(later)
    assert step.detail.startswith(
        "tags: can be moved -> stay; scan on push: False -> True; lifecycle: none -> {'rules'"
    )
    last = again(stack)
    make(last)
    assert outcomes(last) == {Outcome.UNCHANGED}


def test_a_removal_takes_its_images_with_it(stack: Stack) -> None:
    name = make(stack).partition("/")[2]
    manifest = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "layers": []}
    stack.cloud.ecr.put_image(repositoryName=name, imageManifest=json.dumps(manifest), imageTag="1")

    remove(again(stack), [[image_repository]])

    assert stack.cloud.ecr.describe_repositories()["repositories"] == []


def test_another_clusters_repositories_are_not_seen(stack: Stack, cloud: WatchedCloud) -> None:
    other = stack_of(cloud, State.load(stack.state.document.path.with_name("other")), cluster="hyperflow-2")
    make(other)

    assert list(image_repository.survey(stack)) == []
    assert [found.name for found in image_repository.survey(other)] == ["worker"]


@pytest.mark.parametrize(
    ("cluster", "name"),
    [("ecs_test", "hfecs/ecs_test/hfecs"), ("Sky__Maps-", "hfecs/sky_maps/hfecs"), ("a-_b", "hfecs/a-b/hfecs")],
)
def test_a_cluster_name_becomes_one_that_the_registry_takes(stack: Stack, cluster: str, name: str) -> None:
    stack.cluster = cluster

    assert image_repository.full_name(stack, "hfecs") == name
