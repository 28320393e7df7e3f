from __future__ import annotations

from pathlib import Path

import pytest

from hfecs.errors import Failed, Misused
from hfecs.images import builder
from hfecs.images.builder import Builder, Recipe
from images.fakes import Paper

REGISTRY = "123456789012.dkr.ecr.us-east-1.amazonaws.com"


def recipe(folder: Path) -> Recipe:
    return Recipe("hfecs/hfecs:1", folder / "Dockerfile", folder, {"BASE": "debian:bookworm-slim"})


@pytest.mark.parametrize("program", builder.KNOWN)
def test_an_image_is_built_with_whatever_is_there(paper: Paper, tmp_path: Path, program: str) -> None:
    paper.install(program)

    builder.find().build(recipe(tmp_path), platform="linux/amd64", options=["--no-cache"])

    (call,) = paper.calls("build")
    assert call["program"] == program
    assert call["words"] == [
        *("build", "--file", f"{tmp_path}/Dockerfile", "--tag", "hfecs/hfecs:1", "--platform", "linux/amd64"),
        *("--build-arg", "BASE=debian:bookworm-slim", "--no-cache", str(tmp_path)),
    ]


def test_a_docker_without_its_daemon_gives_way_to_the_next(paper: Paper) -> None:
    paper.install("docker", fails="version")
    paper.install("buildah")

    assert builder.find() == Builder("buildah")


def test_without_any_builder_the_error_says_what_to_install(paper: Paper) -> None:
    paper.install("docker", fails="version")

    with pytest.raises(Misused) as refused:
        builder.find()

    assert "docker (installed, but does not respond), podman (not installed), buildah (not" in refused.value.message
    assert "apt-get install podman" in refused.value.hint


def test_the_wanted_builder_is_not_replaced_by_another(paper: Paper) -> None:
    paper.install("docker")

    with pytest.raises(Misused, match="podman"):
        builder.find("podman")


def test_another_program_is_no_builder(paper: Paper) -> None:
    with pytest.raises(Misused, match="cannot build images with kaniko") as refused:
        builder.find("kaniko")

    assert refused.value.hint == "use one of docker, podman, buildah"


@pytest.mark.parametrize("program", builder.KNOWN)
def test_the_password_goes_through_a_pipe_and_stands_on_no_command_line(paper: Paper, program: str) -> None:
    paper.install(program)

    with Builder(program).logged_in(REGISTRY, "AWS", "s3cret"):
        pass

    login, logout = paper.calls("log")
    assert login["stdin"] == "s3cret"
    assert login["words"] == ["login", "--username", "AWS", "--password-stdin", REGISTRY]
    assert logout["words"] == ["logout", REGISTRY]
    assert not any("s3cret" in word for call in paper.calls() for word in call["words"])


def test_a_push_that_fails_still_logs_out_and_says_what_failed(paper: Paper) -> None:
    paper.install("docker", fails="push")
    docker = Builder("docker")

    with pytest.raises(Failed, match=f"docker push {REGISTRY}/x:1 failed with exit code 1"):
        with docker.logged_in(REGISTRY, "AWS", "s3cret"):
            docker.push("hfecs/x:1", f"{REGISTRY}/x:1")

    assert paper.words("logout") == [["logout", REGISTRY]]


def test_a_login_that_fails_uploads_nothing(paper: Paper) -> None:
    paper.install("docker", fails="login")
    docker = Builder("docker")

    with pytest.raises(Failed, match="docker login"):
        with docker.logged_in(REGISTRY, "AWS", "s3cret"):
            docker.push("hfecs/x:1", f"{REGISTRY}/x:1")

    assert paper.words("push") == []


@pytest.mark.parametrize("program", builder.KNOWN)
def test_an_image_is_known_by_its_id_without_the_name_of_the_digest(paper: Paper, program: str) -> None:
    paper.install(program)

    identity = Builder(program).identity("hfecs/hfecs:1")

    assert identity.startswith(b"hfecs/hfecs:1".hex())
    assert len(identity) == 64


def test_an_image_that_was_not_built_is_named(paper: Paper) -> None:
    paper.install("docker", fails="hfecs/hfecs:1")

    with pytest.raises(Misused, match="docker has no image hfecs/hfecs:1") as refused:
        Builder("docker").identity("hfecs/hfecs:1")

    assert refused.value.hint == "build it first: hfecs images build"
