"""Start the containers of a task on its machine: programs, secrets, logs, a scratch directory for each."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from hfecs.local.data_plane.containers import CannotStart, Place, Program, program_of
from hfecs.local.data_plane.faults import Faults
from hfecs.local.data_plane.logs import Logs
from hfecs.local.data_plane.machines import Machine
from hfecs.local.data_plane.shared import SharedState
from hfecs.local.data_plane.task import Container, Task

AGENT_PATH = "/.ecs-agent/"  # of the daemon, where it answers for the agents of the machines; no bucket is called so


class Starter:
    """Starts containers; `credentials` are environment variables that point them at this cloud."""

    def __init__(self, cloud: SharedState, logs: Logs, credentials: dict[str, str]) -> None:
        self.cloud = cloud
        self.logs = logs
        self.credentials = credentials
        self.faults = Faults(cloud.directory)

    def start(self, task: Task, machine: Machine) -> None:
        """Start all containers of a task, or none: CannotStart or NoLogGroup."""
        programs = [self._program(task, container, machine) for container in task.containers]
        for container in task.containers:
            self._follow_output(task, container)
        for container, program in zip(task.containers, programs, strict=True):
            self._order(task, container, program, machine)

    def scratch(self, task: Task) -> Path:
        """Where the task's containers have their working directories."""
        return self.cloud.directory / "machines" / task.instance_id / task.id

    def _program(self, task: Task, container: Container, machine: Machine) -> Program:
        if fault := self.faults.start(container.image):
            raise CannotStart(fault)
        overrides = task.overrides.get("containerOverrides") or []
        override: dict[str, Any] = next((entry for entry in overrides if entry.get("name") == container.name), {})
        directory = self.scratch(task) / container.name
        volumes = self._volumes(task, container)
        cloud = self.credentials | self._agent(task)
        place = Place(task.mark(container), machine.address, directory, cloud, volumes)
        return program_of(container.definition, override, place, self._secret_of(task.region))

    def _agent(self, task: Task) -> dict[str, str]:
        """The variables by which a task's containers find their machine's agent."""
        uri = f"{self.cloud.endpoint_url}{AGENT_PATH}{task.id}"
        return {"ECS_AGENT_URI": uri, "ECS_CONTAINER_METADATA_URI_V4": f"{uri}/v4"}

    def _volumes(self, task: Task, container: Container) -> dict[str, Path]:
        """The directories of the container's volumes: Docker's outlive their tasks and end with the machine.

        A host directory that this computer lacks is created in the cloud's data, shared by all its machines.
        """
        definition = self.cloud.backend("ecs", task.region).describe_task_definition(task.task_definition_arn)
        folder = self.cloud.directory / "machines" / task.instance_id / "volumes"
        places = {
            volume["name"]: self._of_host((volume.get("host") or {}).get("sourcePath")) or folder / volume["name"]
            for volume in definition.volumes or []
        }
        mounts = container.definition.get("mountPoints") or []
        mounted = {mount["containerPath"]: places[mount["sourceVolume"]] for mount in mounts}
        for place in mounted.values():
            if place.is_relative_to(self.cloud.directory):
                place.mkdir(parents=True, exist_ok=True)
        return mounted

    def _of_host(self, path: str | None) -> Path | None:
        if not path or Path(path).exists():
            return Path(path) if path else None
        return self.cloud.directory / "host" / path.lstrip("/")

    def _secret_of(self, region: str) -> Callable[[str], str | None]:
        def read(name: str) -> str | None:
            parameter = self.cloud.backend("ssm", region).get_parameters([name]).get(name)
            return None if parameter is None else parameter.decrypt(parameter.value)

        return read

    def _follow_output(self, task: Task, container: Container) -> None:
        logging = container.definition.get("logConfiguration") or {}
        if logging.get("logDriver") == "awslogs":
            self.logs.follow(task.mark(container), self._log(task, container), logging["options"], task.region)

    def _order(self, task: Task, container: Container, program: Program, machine: Machine) -> None:
        directory = self.scratch(task) / container.name
        directory.mkdir(parents=True, exist_ok=True)
        self._log(task, container).parent.mkdir(parents=True, exist_ok=True)
        machine.order(
            order="start",
            container=task.mark(container),
            argv=program.argv,
            environment=program.environment,
            directory=str(directory),
            log=str(self._log(task, container)),
        )

    def _log(self, task: Task, container: Container) -> Path:
        return self.cloud.directory / "tasks" / task.id / f"{container.name}.log"
