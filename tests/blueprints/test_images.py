from __future__ import annotations

import base64

import pytest

from blueprints.leftovers import leftovers
from hfecs import __version__
from hfecs.blueprints import cluster, images
from hfecs.errors import ConfigurationInvalid, Failed, Leftovers, Misused
from hfecs.images.builder import Builder
from hfecs.images.recipes import NAMES, local_name
from hfecs.provisioning.report import Outcome
from hfecs.provisioning.stack import Stack
from hfecs.provisioning.state import State
from images.fakes import paper
from images.sites import HOST, Site, put, site
from support import WatchedCloud, again, configuration, nothing_changes, outcomes, steps

__all__ = ["paper", "site"]

NOTHING_SET = {"images__hfecs": None, "images__worker": None}


def image_of(stack: Stack, task: str, container: str) -> str:
    definition = stack.cloud.ecs.describe_task_definition(taskDefinition=stack.full_name(task))["taskDefinition"]
    return next(each["image"] for each in definition["containerDefinitions"] if each["name"] == container)


def test_a_push_makes_the_repositories_and_uploads_both_images_by_a_tag_of_their_content(site: Site) -> None:
    site.push()

    repositories = {item["repositoryName"] for item in site.cloud.ecr.describe_repositories()["repositories"]}
    assert repositories == {"hfecs/hyperflow/hfecs", "hfecs/hyperflow/worker"}
    for (_, local, remote), pushed, name in zip(site.paper.words("tag"), site.paper.words("push"), NAMES, strict=True):
        content = Builder("docker").identity(local)[: images.TAG_DIGITS]
        assert local == local_name(name)
        assert remote == pushed[1] == f"{HOST}/hfecs/hyperflow/{name}:{__version__}-{content}"


def test_the_token_of_the_registry_is_on_no_command_line_and_in_no_state(site: Site) -> None:
    token = site.cloud.ecr.get_authorization_token()["authorizationData"][0]["authorizationToken"]
    password = base64.b64decode(token).decode().partition(":")[2]

    site.push()

    login, logout = site.paper.calls("log")
    assert login["stdin"] == password
    assert login["words"] == ["login", "--username", "AWS", "--password-stdin", HOST]
    assert logout["words"] == ["logout", HOST]
    assert not any(password in word for call in site.paper.calls() for word in call["words"])
    assert password not in site.state.path.read_text()


def test_the_digests_are_recorded(site: Site) -> None:
    pushed = site.push()

    shown = {
        name: site.cloud.ecr.describe_images(repositoryName=f"hfecs/hyperflow/{name}")["imageDetails"][0]["imageDigest"]
        for name in NAMES
    }
    assert pushed == {name: f"{HOST}/hfecs/hyperflow/{name}@{digest}" for name, digest in shown.items()}
    assert State.load(site.state.path).of("hyperflow").outputs(images.STACK) == pushed


def test_a_second_push_of_the_same_images_uploads_nothing(site: Site) -> None:
    first = site.push()
    uploads = len(site.paper.words("push"))
    stack = site.stack()

    with nothing_changes(site.cloud):
        second = images.push(stack, Builder("docker"))

    assert second == first
    assert outcomes(stack) == {Outcome.UNCHANGED}
    assert len(site.paper.words("push")) == uploads


def test_images_that_were_not_built_are_refused_before_anything_is_made(site: Site) -> None:
    site.paper.install("docker", fails=local_name("worker"))

    with nothing_changes(site.cloud), pytest.raises(Misused, match="has no image"):
        site.push()


def test_a_push_that_fails_records_no_digest(site: Site) -> None:
    site.paper.install("docker", fails="push")

    with pytest.raises(Failed, match="docker push"):
        site.push()

    assert site.state.of("hyperflow").outputs(images.STACK) == {}


def test_a_cluster_runs_what_was_pushed_by_digest(site: Site) -> None:
    pushed = site.push()
    stack = site.stack(cluster.STACK)

    cluster.up(stack, configuration(**NOTHING_SET))

    assert image_of(stack, "master", "notifier") == pushed["hfecs"]
    assert image_of(stack, "worker", "worker") == pushed["worker"]


def test_a_configured_image_wins_over_one_that_was_pushed(site: Site) -> None:
    pushed = site.push()

    found = images.require(site.stack(cluster.STACK), configuration(images__hfecs=None, images__worker="mine:1"))

    assert (found.images.hfecs, found.images.worker) == (pushed["hfecs"], "mine:1")


def test_configured_images_need_no_look_at_the_registry(stack: Stack, cloud: WatchedCloud) -> None:
    config = configuration()

    assert images.require(stack, config) == config
    assert cloud.calls == []


def test_without_the_state_file_the_newest_image_of_the_registry_is_found(site: Site) -> None:
    pushed = site.push()
    lost = State.load(site.state.path.with_name("another.json"))

    found = images.require(site.stack(cluster.STACK, lost), configuration(**NOTHING_SET))

    assert {name: getattr(found.images, name) for name in NAMES} == pushed
    assert lost.of("hyperflow").outputs(images.STACK) == pushed


def test_a_strangers_repository_is_not_used(site: Site) -> None:
    for name in NAMES:
        site.cloud.ecr.create_repository(repositoryName=f"hfecs/hyperflow/{name}")
        put(site.cloud, f"{HOST}/hfecs/hyperflow/{name}:1")

    with pytest.raises(ConfigurationInvalid):
        images.require(site.stack(cluster.STACK), configuration(**NOTHING_SET))


def test_without_images_nothing_is_made_and_the_ways_out_are_named(stack: Stack, cloud: WatchedCloud) -> None:
    with nothing_changes(cloud), pytest.raises(ConfigurationInvalid) as refused:
        cluster.up(stack, configuration(**NOTHING_SET))

    assert refused.value.message == "No container image for images.hfecs and images.worker."
    assert "hfecs images build && hfecs images push" in refused.value.hint
    assert "set images.hfecs and images.worker in hfecs.toml" in refused.value.hint
    assert "hfecs --local cluster up" in refused.value.hint


def test_who_may_not_look_into_the_registry_is_told_the_same(stack: Stack, cloud: WatchedCloud) -> None:
    cloud.refuse("DescribeRepositories", "AccessDeniedException")

    with pytest.raises(ConfigurationInvalid, match=r"for images\.worker\."):
        images.require(stack, configuration(images__worker=None))


def test_a_removal_leaves_no_repository_and_no_digest_behind(site: Site) -> None:
    site.push()

    images.down(site.stack())

    assert leftovers(site.cloud) == []
    with pytest.raises(ConfigurationInvalid):
        images.require(again(site.stack(cluster.STACK)), configuration(**NOTHING_SET))


def test_a_removal_where_nothing_was_pushed_says_nothing_and_writes_nothing(site: Site) -> None:
    stack = site.stack()

    images.down(stack)

    assert steps(stack) == []
    assert not site.state.path.exists()


def test_who_never_pushed_needs_no_right_for_a_removal(site: Site) -> None:
    site.cloud.refuse("DescribeRepositories", "AccessDeniedException")

    images.down(site.stack())

    assert not site.state.path.exists()


def test_who_pushed_and_lost_the_right_is_told(site: Site) -> None:
    site.push()
    site.cloud.refuse("DescribeRepositories", "AccessDeniedException")

    with pytest.raises(Leftovers, match="AccessDenied"):
        images.down(site.stack())
