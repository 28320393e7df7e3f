from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from hfecs.observe.status import METRICS, _registered, overview
from hfecs.provisioning.stack import Stack
from hfecs.resources import task_definition
from standing import stands
from support import WatchedCloud, add_machine, again, nothing_changes, stack_of


@pytest.fixture
def standing(stack: Stack) -> Stack:
    """A cluster that stands."""
    stands(stack, scaling__asg_desired=1)
    return again(stack)


def runs_of(stack: Stack) -> Stack:
    return stack_of(stack.cloud, stack.state, "run")


def tell(stack: Stack, metric: str, value: float, age: timedelta = timedelta(seconds=20)) -> None:
    """Put a value of a metric, as the notifier does."""
    stack.cloud.cloudwatch.put_metric_data(
        Namespace="hyperflow",
        MetricData=[
            {
                "MetricName": metric,
                "Dimensions": [{"Name": "ClusterName", "Value": stack.cluster}],
                "Timestamp": datetime.now(UTC) - age,
                "Value": value,
                "StorageResolution": 1,
            }
        ],
    )


def test_nothing_stands_before_up(stack: Stack) -> None:
    known = overview(stack, runs_of(stack))

    assert not known.exists
    assert (known.cluster, known.region, known.run) == ("hyperflow", "us-east-1", None)


def test_what_the_state_names_is_surveyed_only_without_machines_and_services(
    standing: Stack, cloud: WatchedCloud
) -> None:
    cloud.calls.clear()

    known = overview(standing, runs_of(standing))

    assert known.left == []
    assert cloud.calls_of("DescribeSecurityGroups") == []


def test_what_runs_leave_for_the_next_cluster_is_not_left_behind(stack: Stack) -> None:
    runs = runs_of(stack)
    task = {"name": "runner", "image": "runner", "memory": 64}
    task_definition.ensure(runs, "runner", definition={"containerDefinitions": [task]})

    known = overview(again(stack), again(runs))

    assert known.left == []


def test_looking_changes_nothing(standing: Stack, cloud: WatchedCloud) -> None:
    with nothing_changes(cloud):
        overview(standing, runs_of(standing))


def test_machines_services_and_alarms_are_listed(standing: Stack) -> None:
    known = overview(standing, runs_of(standing))

    assert known.exists
    assert sorted(machine["name"] for machine in known.machines) == ["master", "workers"]
    assert {machine["registered"] for machine in known.machines} == {"not yet"}
    assert sorted(service["service"] for service in known.services) == ["master", "worker"]
    assert sorted(alarm["alarm"] for alarm in known.alarms) == ["jobs-wait", "no-work"]


def test_a_machine_that_has_joined_the_cluster_is_told_from_one_that_has_not(standing: Stack) -> None:
    add_machine(standing)
    (arn,) = standing.cloud.ecs.list_container_instances(cluster="hfecs-hyperflow-cluster")["containerInstanceArns"]
    answer = standing.cloud.ecs.describe_container_instances(
        cluster="hfecs-hyperflow-cluster", containerInstances=[arn]
    )
    machine = answer["containerInstances"][0]["ec2InstanceId"]
    tags = standing.tags("master")
    standing.cloud.ec2.create_tags(Resources=[machine], Tags=[{"Key": k, "Value": v} for k, v in tags.items()])

    known = overview(standing, runs_of(standing))

    assert {item["id"]: item["registered"] for item in known.machines}[machine] == "yes"


def test_the_queue_is_what_the_notifier_said_last(standing: Stack) -> None:
    tell(standing, "QueueLength", 9, timedelta(seconds=60))
    tell(standing, "QueueLength", 7)

    known = overview(standing, runs_of(standing))

    assert known.queue["QueueLength"] == 7
    assert ["waiting", "7"] in known.queue_rows()


def test_a_notifier_that_is_silent_for_minutes_leaves_the_queue_unknown(standing: Stack) -> None:
    tell(standing, "Backlog", 7, timedelta(minutes=10))

    known = overview(standing, runs_of(standing))

    assert known.queue == dict.fromkeys(METRICS)
    assert {row[1] for row in known.queue_rows()} == {"unknown"}


def test_the_last_run_is_named(standing: Stack) -> None:
    standing.state.output("run", run="one", bucket="b", task="t")

    known = overview(standing, runs_of(standing))

    assert (known.run, known.bucket) == ("one", "b")


@pytest.mark.parametrize(
    ("result", "stands"),
    [('{"status": "succeeded"}', "succeeded"), ('{"status": "failed", "attempt": 2}', "lost"), (None, "lost")],
)
def test_a_run_whose_engine_has_ended_stands_as_its_result_says_or_is_lost(
    standing: Stack, result: str | None, stands: str
) -> None:
    standing.state.output("run", run="one", bucket="files", task="task/of/hours-ago")
    standing.cloud.s3.create_bucket(Bucket="files")
    if result:
        standing.cloud.s3.put_object(Bucket="files", Key="runs/one/result.json", Body=result)

    assert overview(standing, runs_of(standing)).run_state == stands


def test_all_of_it_can_be_written_as_json_and_as_rows(standing: Stack) -> None:
    known = overview(standing, runs_of(standing))

    assert json.loads(json.dumps(known.as_dict()))["cluster"] == "hyperflow"
    for rows in (known.machine_rows(), known.service_rows(), known.alarm_rows(), known.queue_rows()):
        assert all(isinstance(cell, str) for row in rows for cell in row)


def test_a_service_that_is_gone_is_not_listed(standing: Stack) -> None:
    standing.cloud.ecs.delete_service(cluster="hfecs-hyperflow-cluster", service="hfecs-hyperflow-worker", force=True)

    known = overview(standing, runs_of(standing))

    assert [service["service"] for service in known.services] == ["master"]


def test_what_stands_costs_its_machines_and_alarms(standing: Stack) -> None:
    known = overview(standing, runs_of(standing))

    assert known.usd_per_hour == pytest.approx(2 * (0.0116 + 2.4 / 730 + 0.005) + 2 * 0.3 / 730)
    assert known.as_dict()["usd_per_hour"] == known.usd_per_hour


def test_all_of_more_than_a_hundred_machines_are_looked_up(standing: Stack, cloud: WatchedCloud) -> None:
    arns = [f"arn:aws:ecs:us-east-1:123456789012:container-instance/c/{number}" for number in range(230)]
    cloud.forget()
    cloud.answer_once("ListContainerInstances", containerInstanceArns=arns)
    cloud.answer("DescribeContainerInstances", containerInstances=[{"ec2InstanceId": "i-1"}])

    assert _registered(standing, "cluster") == {"i-1"}

    asked = [call["containerInstances"] for call in cloud.calls_of("DescribeContainerInstances")]
    assert sorted(map(len, asked)) == [30, 100, 100]
    assert sorted(arn for group in asked for arn in group) == sorted(arns)
