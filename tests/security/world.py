"""A cluster with monitoring and a run, and everything of it that a stranger with the right to look could read."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from hfecs.blueprints import cluster, monitoring
from hfecs.blueprints import run as run_blueprint
from hfecs.provisioning.stack import Stack
from standing import once
from support import WatchedCloud, add_machine, again, configuration, stack_of, steps, write_job

BUCKET = "files-of-the-run"
ACCOUNT = "123456789012"


@dataclass
class World:
    """What was made, asked of AWS."""

    stack: Stack
    cloud: WatchedCloud
    said: str

    def groups(self) -> list[Any]:
        """Our security groups."""
        answer = self.cloud.ec2.describe_security_groups(Filters=[{"Name": "tag-key", "Values": ["hfecs:cluster"]}])
        return [*answer["SecurityGroups"]]

    def machines(self) -> list[Any]:
        """Our machines."""
        answer = self.cloud.ec2.describe_instances(Filters=[{"Name": "tag-key", "Values": ["hfecs:cluster"]}])
        return [machine for each in answer["Reservations"] for machine in each["Instances"]]

    def template(self) -> Any:
        """What worker machines are made of."""
        answer = self.cloud.ec2.describe_launch_template_versions(
            LaunchTemplateName="hfecs-hyperflow-worker", Versions=["$Latest"]
        )
        return answer["LaunchTemplateVersions"][0]["LaunchTemplateData"]

    def user_data(self) -> list[str]:
        """The scripts of all machines."""
        encoded = [self.template()["UserData"]]
        for machine in self.machines():
            answer = self.cloud.ec2.describe_instance_attribute(InstanceId=machine["InstanceId"], Attribute="userData")
            encoded.append(answer["UserData"].get("Value", ""))
        return [base64.b64decode(text).decode() for text in encoded if text]

    def task_definitions(self) -> dict[str, Any]:
        """All task definitions by the last part of their name."""
        arns = self.cloud.ecs.list_task_definitions()["taskDefinitionArns"]
        told = [self.cloud.ecs.describe_task_definition(taskDefinition=arn)["taskDefinition"] for arn in arns]
        return {one["family"].rpartition("-")[2]: one for one in told}

    def containers(self) -> Iterator[Any]:
        """All containers."""
        for definition in self.task_definitions().values():
            yield from definition["containerDefinitions"]

    def tasks(self) -> list[Any]:
        """All tasks, with what they were told."""
        name = "hfecs-hyperflow-cluster"
        return self.cloud.ecs.describe_tasks(cluster=name, tasks=self.cloud.ecs.list_tasks(cluster=name)["taskArns"])[
            "tasks"
        ]

    def secrets(self) -> dict[str, str]:
        """The secrets by name, decrypted."""
        answer = self.cloud.ssm.get_parameters_by_path(Path="/hfecs", Recursive=True, WithDecryption=True)
        return {one["Name"].rpartition("/")[2]: one["Value"] for one in answer["Parameters"]}

    def roles(self) -> dict[str, Any]:
        """Our roles by name."""
        roles = self.cloud.iam.list_roles(PathPrefix="/hfecs/")["Roles"]
        prefix = "hfecs-hyperflow-us-east-1-"
        return {role["RoleName"].removeprefix(prefix): role for role in roles}

    def policies(self) -> dict[str, list[Any]]:
        """The policies of each role."""
        found = {}
        for name, role in self.roles().items():
            kept = self.cloud.iam.list_role_policies(RoleName=role["RoleName"])["PolicyNames"]
            found[name] = [self._policy(role["RoleName"], policy) for policy in kept]
        return found

    def _policy(self, role: str, policy: str) -> Any:
        document: Any = self.cloud.iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"]
        return json.loads(unquote(document)) if isinstance(document, str) else document


def made(stack: Stack, folder: Path, **changes: Any) -> World:
    """Make all of it."""
    assert isinstance(stack.cloud, WatchedCloud)
    return World(stack, stack.cloud, once(stack, ("world", repr(changes)), lambda: _make(stack, folder, changes)))


def _make(stack: Stack, folder: Path, changes: dict[str, Any]) -> str:
    config = configuration(scaling__asg_desired=1, **changes)
    watching = stack_of(stack.cloud, stack.state, monitoring.STACK)
    monitoring.up(watching, config)
    cluster.up(stack, config)
    add_machine(stack)
    runs = stack_of(stack.cloud, stack.state, run_blueprint.STACK)
    job = write_job(folder / "job")
    run_blueprint.up(runs, again(stack), config, run=run_blueprint.Run("one", BUCKET), directory=job)
    return str([*steps(stack), *steps(runs), *steps(watching)])
