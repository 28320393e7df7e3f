"""The containers as ECS is asked for them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hfecs.agents.worker.connection import CLOSING_SECONDS
from hfecs.agents.worker.consumer import CONFIRM_SECONDS
from hfecs.blueprints import run as run_blueprint
from hfecs.provisioning.stack import Stack
from standing import stands
from support import WatchedCloud, add_machine, again, configuration, stack_of, write_job

PASSWORD = "arn:aws:ssm:us-east-1:123456789012:parameter/hfecs/hyperflow/broker-password"


def registered(cloud: WatchedCloud) -> dict[str, Any]:
    """Task definitions by part."""
    calls = cloud.calls_of("RegisterTaskDefinition")
    return {call["family"].removeprefix("hfecs-hyperflow-"): call for call in calls}


def parts_of(stack: Stack, cloud: WatchedCloud, **changes: Any) -> dict[str, Any]:
    stands(stack, **changes)
    return registered(cloud)


def environment(definition: Any, container: int = 0) -> dict[str, str]:
    return {pair["name"]: pair["value"] for pair in definition["containerDefinitions"][container]["environment"]}


@pytest.fixture
def parts(stack: Stack, cloud: WatchedCloud, tmp_path: Path) -> dict[str, Any]:
    """Master, worker and runner of a run on a cluster."""
    stands(stack)
    add_machine(stack)
    runs = stack_of(cloud, stack.state, run_blueprint.STACK)
    job = write_job(tmp_path / "job")
    run_blueprint.up(runs, again(stack), configuration(), run=run_blueprint.Run("one", "hfecs-files"), directory=job)
    return registered(cloud)


def test_passwords_are_given_as_secrets_and_never_in_the_environment(parts: dict[str, Any]) -> None:
    containers = [container for part in parts.values() for container in part["containerDefinitions"]]

    assert len(containers) == 4
    assert {secret["valueFrom"] for container in containers for secret in container["secrets"]} == {PASSWORD}
    assert not [pair for container in containers for pair in container["environment"] if "PASS" in pair["name"]]


def test_each_container_logs_into_the_group_of_the_cluster_under_its_part(parts: dict[str, Any]) -> None:
    for part, definition in parts.items():
        for container in definition["containerDefinitions"]:
            options = container["logConfiguration"]["options"]
            assert (options["awslogs-group"], options["awslogs-stream-prefix"]) == ("/hfecs/hyperflow", part)


def test_each_part_may_only_do_its_own(parts: dict[str, Any]) -> None:
    roles = {part: definition["taskRoleArn"].rpartition("-")[2] for part, definition in parts.items()}

    assert roles == {"master": "master", "worker": "worker", "runner": "runner"}


def test_runner_and_workers_meet_at_the_broker(parts: dict[str, Any]) -> None:
    runner_side, worker_side = environment(parts["runner"]), environment(parts["worker"])

    for name in ("AMQP_URL", "AMQP_USER", "AMQP_QUEUE"):
        assert runner_side[name] == worker_side[name]


def test_the_broker_listens_where_the_others_look_for_it(stack: Stack, cloud: WatchedCloud) -> None:
    parts = parts_of(stack, cloud, ports__amqp=15000, ports__management=16000)

    hosts = [mapping["hostPort"] for mapping in parts["master"]["containerDefinitions"][0]["portMappings"]]
    assert hosts == [15000, 16000]
    assert environment(parts["worker"])["AMQP_URL"].endswith(":15000")
    assert environment(parts["master"], 1)["MANAGEMENT_URL"].endswith(":16000")


@pytest.mark.parametrize(("threads", "given"), [(None, "4"), (2, "2")])
def test_a_worker_has_a_thread_for_each_core_unless_told_otherwise(
    stack: Stack, cloud: WatchedCloud, threads: int | None, given: str
) -> None:
    parts = parts_of(stack, cloud, cluster__instance_type="m5.xlarge", worker__threads=threads)

    assert environment(parts["worker"])["THREADS"] == given


def test_a_worker_finishes_before_ecs_kills_it(stack: Stack, cloud: WatchedCloud) -> None:
    worker = parts_of(stack, cloud, worker__stop_timeout=60)["worker"]

    assert worker["containerDefinitions"][0]["stopTimeout"] == 60
    assert int(environment(worker)["STOP_TIMEOUT"]) + CONFIRM_SECONDS + CLOSING_SECONDS < 60


@pytest.mark.parametrize(("seconds", "told"), [(120, 120), (121, None)])
def test_a_longer_time_to_stop_than_ecs_surely_takes_is_said_to_the_agent_alone(
    stack: Stack, cloud: WatchedCloud, seconds: int, told: int | None
) -> None:
    worker = parts_of(stack, cloud, worker__stop_timeout=seconds)["worker"]

    assert worker["containerDefinitions"][0].get("stopTimeout") == told


def test_ecs_moves_no_task_to_even_out_zones(stack: Stack, cloud: WatchedCloud) -> None:
    stands(stack, scaling__worker_max=5)

    services = {call["serviceName"]: call for call in cloud.calls_of("CreateService")}
    assert services["hfecs-hyperflow-worker"]["availabilityZoneRebalancing"] == "DISABLED"
    # Daemons are not rebalanced.
    assert services["hfecs-hyperflow-master"]["schedulingStrategy"] == "DAEMON"


def test_the_broker_is_older_than_the_versions_that_the_engine_cannot_talk_to(
    stack: Stack, cloud: WatchedCloud
) -> None:
    broker = parts_of(stack, cloud)["master"]["containerDefinitions"][0]

    assert broker["image"].startswith("rabbitmq:3.")
    assert "channel_max 65535" in str(broker["environment"])
