from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from ..conftest import LOG_GROUP, Site, until


def test_a_task_runs_with_its_secrets_and_overrides_and_tells_its_exit_code(site: Site, cluster: str) -> None:
    site.machine(cluster)
    site.ssm.put_parameter(Name="/tests/password", Value="sesame", Type="SecureString")
    secret = {"name": "PASSWORD", "valueFrom": "arn:aws:ssm:us-east-1:123456789012:parameter/tests/password"}
    site.define("greet", "echo $GREETING $PASSWORD; echo $TMPDIR; pwd; exit 7", secrets=[secret])

    override = {"name": "main", "environment": [{"name": "GREETING", "value": "open"}]}
    arn = site.run(cluster, "greet", overrides={"containerOverrides": [override]})

    task = site.ended(cluster, arn)
    assert task["stopCode"] == "EssentialContainerExited"
    assert task["containers"][0]["exitCode"] == 7
    stream = f"test/main/{arn.rpartition('/')[2]}"
    events = site.logs.get_log_events(logGroupName=LOG_GROUP, logStreamName=stream)["events"]
    greeting, scratch, directory = [event["message"] for event in events]
    assert greeting == "open sesame"
    assert scratch == directory


def test_a_task_that_is_stopped_gets_its_reason(site: Site, cluster: str) -> None:
    site.machine(cluster)
    site.define("wait", "trap 'exit 0' TERM; while :; do sleep 0.01; done")
    arn = site.run(cluster, "wait")
    until(lambda: site.task(cluster, arn)["lastStatus"] == "RUNNING")

    site.ecs.stop_task(cluster=cluster, task=arn, reason="enough")

    task = site.ended(cluster, arn)
    assert (task["stopCode"], task["stoppedReason"]) == ("UserInitiated", "enough")
    assert site.ecs.list_tasks(cluster=cluster)["taskArns"] == []
    assert site.ecs.list_tasks(cluster=cluster, desiredStatus="STOPPED")["taskArns"] == [arn]


def test_an_unknown_image_ends_the_task_with_a_reason(site: Site, cluster: str) -> None:
    site.machine(cluster)
    site.define("foreign", "true", image="nginx:1")

    task = site.ended(cluster, site.run(cluster, "foreign"))

    assert task["stopCode"] == "TaskFailedToStart"
    assert "CannotPullContainerError" in task["stoppedReason"]


def test_without_its_log_group_a_task_does_not_start(site: Site, cluster: str) -> None:
    site.machine(cluster)
    options = {"awslogs-group": "/missing", "awslogs-stream-prefix": "x"}
    site.define("speechless", "true", logConfiguration={"logDriver": "awslogs", "options": options})

    task = site.ended(cluster, site.run(cluster, "speechless"))

    assert "The specified log group does not exist: /missing" in task["stoppedReason"]


def test_a_task_that_fits_nowhere_is_a_failure(site: Site, cluster: str) -> None:
    site.machine(cluster, role="master")
    site.define("placed", "true")

    answer = site.ecs.run_task(cluster=cluster, taskDefinition="placed")

    assert answer["tasks"] == []
    assert answer["failures"][0]["reason"] == "MemberOf placement constraint unsatisfied."


def test_a_task_without_any_machine_is_refused(site: Site, cluster: str) -> None:
    site.define("early", "true")

    with pytest.raises(ClientError, match="No Container Instances were found in your cluster"):
        site.ecs.run_task(cluster=cluster, taskDefinition="early")


def test_a_task_runs_on_when_a_container_that_only_prepares_has_ended_and_its_volume_keeps_the_data(
    site: Site, cluster: str
) -> None:
    site.machine(cluster)
    volume: Any = {"name": "data", "dockerVolumeConfiguration": {"scope": "shared", "autoprovision": True}}
    common: Any = {
        "image": "hfecs-local/worker",
        "memoryReservation": 100,
        "mountPoints": [{"sourceVolume": "data", "containerPath": "/data"}],
    }
    prepare: Any = {**common, "name": "prepare", "essential": False, "command": ["mkdir", "/data/made"]}
    serve: Any = {
        **common,
        "name": "serve",
        "command": ["sh", "-c", "until cd $0; do sleep 0.02; done; exit 7", "/data/made"],
    }
    site.ecs.register_task_definition(family="two", containerDefinitions=[prepare, serve], volumes=[volume])

    task = site.ended(cluster, site.run(cluster, "two"))

    assert {container["name"]: container["exitCode"] for container in task["containers"]} == {"prepare": 0, "serve": 7}
