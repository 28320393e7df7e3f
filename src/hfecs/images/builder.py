"""The program that builds and pushes images: docker, podman or buildah, which share most of their commands."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hfecs.errors import Failed, Misused

KNOWN = ("docker", "podman", "buildah")
# Their output is for people, so it goes to stderr.
STDERR = 2

IDENTITY = {
    "docker": ("image", "inspect", "--format", "{{.Id}}"),
    "podman": ("image", "inspect", "--format", "{{.Id}}"),
    "buildah": ("inspect", "--type", "image", "--format", "{{.FromImageID}}"),
}


@dataclass(frozen=True)
class Recipe:
    """An image to build: its local name, Dockerfile, build context and arguments."""

    name: str
    dockerfile: Path
    folder: Path
    arguments: Mapping[str, str]


@dataclass(frozen=True)
class Builder:
    """One of the KNOWN programs, installed and working."""

    program: str

    def build(self, recipe: Recipe, *, platform: str, options: Sequence[str] = ()) -> None:
        """Build an image for a platform such as linux/amd64; `options` are passed to the program unchanged."""
        arguments = [word for key, value in recipe.arguments.items() for word in ("--build-arg", f"{key}={value}")]
        where = ("--file", str(recipe.dockerfile), "--tag", recipe.name, "--platform", platform)
        self._run("build", *where, *arguments, *options, str(recipe.folder))

    def identity(self, name: str) -> str:
        """The id of a local image, 64 hexadecimal digits; Misused if it does not exist."""
        answer = subprocess.run(
            [self.program, *IDENTITY[self.program], name], capture_output=True, text=True, check=False
        )
        if answer.returncode:
            raise Misused(f"{self.program} has no image {name}.", hint="build it first: hfecs images build")
        return answer.stdout.strip().removeprefix("sha256:")

    @contextmanager
    def logged_in(self, registry: str, user: str, password: str) -> Iterator[None]:
        """Log in to a registry; the password goes through a pipe, since command lines are visible to others."""
        self._run("login", "--username", user, "--password-stdin", registry, stdin=password)
        try:
            yield
        finally:
            self._run("logout", registry)

    def push(self, name: str, remote: str) -> None:
        """Upload a local image under its name in the registry."""
        self._run("tag", name, remote)
        self._run("push", remote)

    def _run(self, *words: str, stdin: str = "") -> None:
        environment = {**os.environ, "DOCKER_BUILDKIT": "1"}
        ended = subprocess.run(
            [self.program, *words], input=stdin.encode(), stdout=STDERR, env=environment, check=False
        )
        if ended.returncode:
            raise Failed(
                f"{self.program} {words[0]} {words[-1]} failed with exit code {ended.returncode}.",
                hint="its output is above",
            )


def find(wanted: str | None = None) -> Builder:
    """The requested program, or the first KNOWN one that works; Misused says what to install."""
    missing = []
    for program in [wanted] if wanted else KNOWN:
        if program not in KNOWN:
            raise Misused(f"hfecs cannot build images with {program}.", hint=f"use one of {', '.join(KNOWN)}")
        reason = _why_not(program)
        if not reason:
            return Builder(program)
        missing.append(f"{program} ({reason})")
    raise Misused(
        f"Images cannot be built or pushed here: {', '.join(missing)}.",
        hint="start Docker, or install one of them, such as: apt-get install podman",
    )


def _why_not(program: str) -> str:
    if not shutil.which(program):
        return "not installed"
    answer = subprocess.run([program, "version"], capture_output=True, check=False)
    return "installed, but does not respond" if answer.returncode else ""
