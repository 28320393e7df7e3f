"""Run a job's command in its own container, through the machine's Docker."""

from __future__ import annotations

import os
import shutil
import subprocess
import uuid
from contextlib import suppress
from dataclasses import dataclass, replace

from hfecs.agents.worker.cancellation import Cancellation
from hfecs.agents.worker.process import Command, Ended, run
from hfecs.errors import WorkflowFailed

DOCKER = "docker"

DOCKER_FAILED = 125
"""Docker's own exit code if it could not run a container at all."""

REMOVING_SECONDS = 60.0


@dataclass(frozen=True)
class Container:
    """A container to run: its image, and the name by which it is removed if its job is cancelled."""

    image: str
    name: str

    def words(self, command: Command) -> tuple[str, ...]:
        """The command line that runs a command in it: in the same directory, as the same user, with its variables.

        It sees nothing else of the executor: neither its variables nor its other files.
        """
        directory = str(command.directory)
        variables = [word for name, value in command.env.items() for word in ("--env", f"{name}={value}")]
        return (
            *(DOCKER, "run", "--rm", "--init", "--name", self.name),
            *("--user", f"{os.getuid()}:{os.getgid()}"),
            *("--volume", f"{directory}:{directory}", "--workdir", directory),
            *variables,
            self.image,
            *command.words,
        )

    def remove(self) -> None:
        """Remove it with all its processes; nothing happens if it is gone."""
        words = [DOCKER, "rm", "--force", self.name]
        with suppress(subprocess.TimeoutExpired):
            subprocess.run(words, capture_output=True, timeout=REMOVING_SECONDS, check=False)


def run_in(image: str, allowed: bool, command: Command, cancellation: Cancellation) -> Ended:
    """Run a command in a container of that image; WorkflowFailed if this executor may not."""
    if not allowed:
        raise WorkflowFailed(
            f"The job wants to run in {image}, but this executor may not start containers.",
            "allow it: hfecs cluster up --allow-containers",
        )
    if not shutil.which(DOCKER):
        hint = "its image needs Docker's command line: in Debian, the package docker.io"
        raise WorkflowFailed("The program docker is missing in the executor's image.", hint)
    container = Container(image, f"hfecs-job-{uuid.uuid4().hex}")
    ended = run(replace(command, words=container.words(command), program=command.words[0]), cancellation)
    if ended.problem:
        container.remove()
    if ended.exit_status == DOCKER_FAILED:
        return replace(ended, problem=f"Docker could not run {command.words[0]} in {image}.")
    return ended
