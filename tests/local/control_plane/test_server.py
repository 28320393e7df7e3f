from __future__ import annotations

import json
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from hfecs.local.data_plane.starter import AGENT_PATH

from ..conftest import Site, until

PATIENT = "trap 'exit 0' TERM; while true; do sleep 0.1; done"
ROLE = "arn:aws:iam::123456789012:role/worker"


def ask(site: Site, task: str, what: str, body: dict[str, Any] | None = None) -> Any:
    """Ask the agent of a task as its containers do."""
    uri = f"{site.cloud.endpoint_url}{AGENT_PATH}{task.rpartition('/')[2]}/{what}"
    data = None if body is None else json.dumps(body).encode()
    with urlopen(Request(uri, data, method="PUT" if data else "GET"), timeout=5) as answer:
        return json.load(answer)


@pytest.fixture
def task(site: Site, cluster: str) -> str:
    """The task of a service that wants one."""
    site.machine(cluster)
    return serve(site, cluster, ROLE)


def serve(site: Site, cluster: str, role: str) -> str:
    site.define("patient", PATIENT)
    definition: Any = site.ecs.describe_task_definition(taskDefinition="patient")["taskDefinition"]
    roles: Any = {"taskRoleArn": role} if role else {}
    site.ecs.register_task_definition(
        family="patient", containerDefinitions=definition["containerDefinitions"], **roles
    )
    site.ecs.create_service(cluster=cluster, serviceName="served", taskDefinition="patient", desiredCount=1)
    until(lambda: site.service(cluster, "served")["runningCount"] == 1)
    return site.ecs.list_tasks(cluster=cluster, serviceName="served")["taskArns"][0]


def test_a_container_learns_from_its_agent_who_it_is(site: Site, cluster: str, task: str) -> None:
    assert ask(site, task, "v4/task") == {"Cluster": cluster, "TaskARN": task}


def test_a_container_protects_its_task_from_scale_in(site: Site, cluster: str, task: str) -> None:
    told = ask(site, task, "task-protection/v1/state", {"ProtectionEnabled": True, "ExpiresInMinutes": 60})
    site.ecs.update_service(cluster=cluster, service="served", desiredCount=0)

    assert told["protection"]["ProtectionEnabled"]
    assert told["protection"]["TaskArn"] == task
    assert ask(site, task, "task-protection/v1/state") == told
    assert site.task(cluster, task)["lastStatus"] == "RUNNING"
    ask(site, task, "task-protection/v1/state", {"ProtectionEnabled": False})
    assert site.ended(cluster, task)


def test_one_task_too_many_is_refused(site: Site, cluster: str, task: str) -> None:
    ask(site, task, "task-protection/v1/state", {"ProtectionEnabled": True})
    site.ecs.update_service(cluster=cluster, service="served", desiredCount=0)

    told = ask(site, task, "task-protection/v1/state", {"ProtectionEnabled": True})

    assert told["failure"]["Reason"] == "DEPLOYMENT_BLOCKED"


def test_a_key_that_the_agent_does_not_know_is_refused(site: Site, task: str) -> None:
    with pytest.raises(HTTPError, match="400"):
        ask(site, task, "task-protection/v1/state", {"protectionEnabled": True})


def test_a_task_without_a_role_is_denied(site: Site, cluster: str) -> None:
    site.machine(cluster)
    task = serve(site, cluster, "")

    with pytest.raises(HTTPError, match="403"):
        ask(site, task, "task-protection/v1/state", {"ProtectionEnabled": True})


def test_nobody_answers_for_a_task_that_is_not_there(site: Site) -> None:
    with pytest.raises(HTTPError, match="404"):
        ask(site, "none", "v4/task")
