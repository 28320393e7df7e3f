from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from ..conftest import Site, until

PATIENT = "trap 'exit 0' TERM; while :; do sleep 0.01; done"


def running(site: Site, cluster: str) -> int:
    return int(site.service(cluster, "worker")["runningCount"])


def serve(site: Site, cluster: str, desired: int, script: str = PATIENT) -> None:
    site.define("worker", script)
    site.ecs.create_service(
        cluster=cluster,
        serviceName="worker",
        taskDefinition="worker",
        desiredCount=desired,
        deploymentConfiguration={"minimumHealthyPercent": 0},
    )


def test_a_service_waits_for_machines_and_says_so(site: Site, cluster: str) -> None:
    serve(site, cluster, desired=1)
    until(lambda: "unable to place a task" in str(site.service(cluster, "worker")["events"]))

    site.machine(cluster)

    until(lambda: running(site, cluster) == 1)
    until(lambda: "steady state" in site.service(cluster, "worker")["events"][0]["message"])


def test_a_service_follows_its_desired_count_within_its_memory(site: Site, cluster: str) -> None:
    site.machine(cluster)
    serve(site, cluster, desired=5)
    until(lambda: running(site, cluster) == 3)  # of 300 MiB in the 952 of a t2.micro

    site.ecs.update_service(cluster=cluster, service="worker", desiredCount=1)

    until(lambda: running(site, cluster) == 1)


def test_a_task_that_ends_is_started_again(site: Site, cluster: str) -> None:
    site.machine(cluster)
    serve(site, cluster, desired=1)
    until(lambda: running(site, cluster) == 1)
    first = site.ecs.list_tasks(cluster=cluster, serviceName="worker")["taskArns"]

    site.ecs.stop_task(cluster=cluster, task=first[0])

    until(lambda: site.ecs.list_tasks(cluster=cluster)["taskArns"] not in ([], first))


def test_a_new_task_definition_replaces_the_tasks(site: Site, cluster: str) -> None:
    site.machine(cluster)
    serve(site, cluster, desired=2)
    until(lambda: running(site, cluster) == 2)
    before = set(site.ecs.list_tasks(cluster=cluster)["taskArns"])

    site.ecs.update_service(cluster=cluster, service="worker", taskDefinition=site.define("worker", PATIENT))

    until(lambda: site.service(cluster, "worker")["deployments"][0]["rolloutState"] == "COMPLETED")
    assert before.isdisjoint(site.ecs.list_tasks(cluster=cluster)["taskArns"])


def test_a_protected_task_outlives_a_lower_desired_count(site: Site, cluster: str) -> None:
    site.machine(cluster)
    serve(site, cluster, desired=2)
    until(lambda: running(site, cluster) == 2)
    older = site.ecs.list_tasks(cluster=cluster)["taskArns"][-1:]
    answer = site.ecs.update_task_protection(cluster=cluster, tasks=older, protectionEnabled=True)

    site.ecs.update_service(cluster=cluster, service="worker", desiredCount=0)

    assert answer["protectedTasks"][0]["protectionEnabled"]
    until(lambda: site.ecs.list_tasks(cluster=cluster)["taskArns"] == older)
    site.ecs.update_task_protection(cluster=cluster, tasks=older, protectionEnabled=False)
    until(lambda: running(site, cluster) == 0)


def test_a_deleted_service_drains_and_then_its_cluster_can_be_deleted(site: Site, cluster: str) -> None:
    instance = site.machine(cluster)
    serve(site, cluster, desired=1)
    until(lambda: running(site, cluster) == 1)
    with pytest.raises(ClientError, match="ClusterContainsServicesException"):
        site.ecs.delete_cluster(cluster=cluster)

    draining = site.ecs.delete_service(cluster=cluster, service="worker", force=True)["service"]

    assert draining["status"] == "DRAINING"
    until(lambda: site.service(cluster, "worker")["status"] == "INACTIVE")
    with pytest.raises(ClientError, match="ClusterContainsContainerInstancesException"):
        site.ecs.delete_cluster(cluster=cluster)
    site.ec2.terminate_instances(InstanceIds=[instance])
    until(lambda: not site.registered(cluster))
    assert site.ecs.delete_cluster(cluster=cluster)["cluster"]["status"] == "INACTIVE"


def test_a_deleted_service_drains_when_its_protected_tasks_are_stopped(site: Site, cluster: str) -> None:
    site.machine(cluster)
    serve(site, cluster, desired=1)
    until(lambda: running(site, cluster) == 1)
    (task,) = site.ecs.list_tasks(cluster=cluster, serviceName="worker")["taskArns"]
    site.ecs.update_task_protection(cluster=cluster, tasks=[task], protectionEnabled=True)

    site.ecs.delete_service(cluster=cluster, service="worker", force=True)
    site.ecs.stop_task(cluster=cluster, task=task)

    until(lambda: site.service(cluster, "worker")["status"] == "INACTIVE")


def test_a_service_of_a_name_that_is_active_is_not_made_again(site: Site, cluster: str) -> None:
    serve(site, cluster, desired=0)

    with pytest.raises(ClientError, match="Creation of service was not idempotent"):
        serve(site, cluster, desired=0)


def test_a_bad_placement_expression_is_refused(site: Site, cluster: str) -> None:
    site.define("worker", PATIENT)

    with pytest.raises(ClientError, match="InvalidParameterException"):
        site.ecs.create_service(
            cluster=cluster,
            serviceName="lost",
            taskDefinition="worker",
            placementConstraints=[{"type": "memberOf", "expression": "hfecs.role = worker"}],
        )


def daemon(site: Site, cluster: str, **settings: Any) -> Any:
    site.define("worker", PATIENT)
    wanted: Any = {"taskDefinition": "worker", "schedulingStrategy": "DAEMON", "launchType": "EC2", **settings}
    return site.ecs.create_service(cluster=cluster, serviceName="worker", **wanted)["service"]


def test_a_daemon_has_one_task_on_each_machine_and_leaves_one_that_drains(site: Site, cluster: str) -> None:
    created = daemon(site, cluster)
    machines = [site.machine(cluster), site.machine(cluster)]
    until(lambda: running(site, cluster) == len(machines))
    arns = site.ecs.list_container_instances(cluster=cluster)["containerInstanceArns"]

    site.ecs.update_container_instances_state(cluster=cluster, containerInstances=arns[:1], status="DRAINING")

    until(lambda: running(site, cluster) == 1)
    assert created["deploymentConfiguration"] == {"maximumPercent": 100, "minimumHealthyPercent": 0}
    assert created["availabilityZoneRebalancing"] == "DISABLED"
    assert site.service(cluster, "worker")["desiredCount"] == 1


@pytest.mark.parametrize(
    ("settings", "refusal"),
    [
        ({"desiredCount": 1}, "does not support a desired count for services"),
        ({"placementStrategy": [{"type": "random"}]}, "does not support placement strategies"),
        ({"deploymentConfiguration": {"maximumPercent": 200}}, "does not support values above 100 for maximumPercent"),
    ],
)
def test_a_daemon_is_refused_what_counts_tasks(
    site: Site, cluster: str, settings: dict[str, Any], refusal: str
) -> None:
    with pytest.raises(ClientError, match=refusal):
        daemon(site, cluster, **settings)

    daemon(site, cluster)
    with pytest.raises(ClientError, match=refusal):
        site.ecs.update_service(cluster=cluster, service="worker", **settings)


def test_a_deployment_stops_a_protected_task_of_a_daemon(site: Site, cluster: str) -> None:
    daemon(site, cluster)
    site.machine(cluster)
    until(lambda: running(site, cluster) == 1)
    before = site.ecs.list_tasks(cluster=cluster)["taskArns"]
    site.ecs.update_task_protection(cluster=cluster, tasks=before, protectionEnabled=True)

    site.ecs.update_service(cluster=cluster, service="worker", taskDefinition=site.define("worker", PATIENT))

    until(lambda: site.ecs.list_tasks(cluster=cluster)["taskArns"] not in ([], before))
