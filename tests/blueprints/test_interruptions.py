"""What would end running work is asked for first, in one question; what would not is done without a word."""

from __future__ import annotations

from typing import Any

import pytest
from moto.ecs.models import ecs_backends

from hfecs.blueprints import monitoring
from hfecs.errors import ConfigurationInvalid, NotConfirmed
from hfecs.provisioning.report import Outcome
from hfecs.provisioning.stack import Stack
from standing import stands
from support import REGION, WatchedCloud, again, configuration, nothing_changes, stack_of, steps


def up(stack: Stack, **changes: Any) -> dict[str, list[str]]:
    """Make the cluster; what was changed, field by field."""
    stands(stack, **changes)
    return {
        f"{step.kind} {step.name}": [change.field for change in step.changes]
        for step in steps(stack)
        if step.outcome is Outcome.CHANGED
    }


def runs(stack: Stack, *names: str) -> None:
    """Let ECS say that a task of these services runs."""
    for service in ecs_backends[stack.cloud.account][REGION].services.values():
        if service.name in {stack.full_name(name) for name in names}:
            service.running_count = 1


def test_monitoring_that_comes_later_restarts_the_broker_and_that_is_asked_for(
    stack: Stack, cloud: WatchedCloud
) -> None:
    up(stack)
    runs(stack, "master")
    monitoring.up(stack_of(cloud, stack.state, monitoring.STACK), configuration())

    with nothing_changes(cloud), pytest.raises(NotConfirmed) as refused:
        up(again(stack))
    allowed = up(again(stack, may_interrupt=True))

    assert "service master, taskDefinition: restarts the broker" in refused.value.message
    assert "Nothing was changed." in refused.value.message
    assert allowed["service master"] == ["taskDefinition"]


def test_a_broker_that_does_not_run_is_changed_without_a_question(stack: Stack) -> None:
    up(stack)

    assert "service master" in up(again(stack), images__broker="rabbitmq:4.0.9")


def test_a_users_own_broker_is_not_restarted_with_the_notifier(stack: Stack) -> None:
    own = {"broker__amqp_url": "amqp://me:secret@broker.example.org:5672"}
    up(stack, **own)
    runs(stack, "master")

    assert "service master" in up(again(stack), images__hfecs="hfecs:2", **own)


def test_a_stopped_broker_is_started_again(stack: Stack) -> None:
    up(stack, cluster__master_count=0)
    assert stack.seen("service", "master") is None

    later = again(stack)
    up(later)

    assert "service master" in {f"{s.kind} {s.name}" for s in steps(later) if s.outcome is Outcome.CREATED}


def test_stopping_the_broker_is_asked_for(stack: Stack) -> None:
    up(stack)
    runs(stack, "master")

    with pytest.raises(NotConfirmed, match="service master, master_count: restarts the broker"):
        up(again(stack), cluster__master_count=0)


@pytest.mark.parametrize("number", [{"scaling__worker_max": 9}, {"scaling__instances": "capacity-provider"}], ids=str)
def test_other_workers_are_not_asked_for_where_those_with_jobs_are_protected(
    stack: Stack, number: dict[str, Any]
) -> None:
    up(stack, **number)
    runs(stack, "master", "worker")

    assert "service worker" in up(again(stack), images__worker="montage:2", **number)


def test_other_workers_that_follow_their_machines_are_asked_for_while_some_run(
    stack: Stack, cloud: WatchedCloud
) -> None:
    up(stack)
    runs(stack, "worker")

    with nothing_changes(cloud), pytest.raises(NotConfirmed, match="service worker, taskDefinition: stops the workers"):
        up(again(stack), images__worker="montage:2")

    assert "service worker" in up(again(stack, may_interrupt=True), images__worker="montage:2")


def test_a_cluster_does_not_move_to_another_network(stack: Stack, cloud: WatchedCloud) -> None:
    up(stack)
    network = cloud.ec2.create_vpc(CidrBlock="10.7.0.0/16")["Vpc"]["VpcId"]
    zone = cloud.ec2.describe_subnets()["Subnets"][0]["AvailabilityZone"]
    cloud.ec2.create_subnet(VpcId=network, CidrBlock="10.7.1.0/24", AvailabilityZone=zone)
    cloud.ec2.create_vpc_endpoint(VpcId=network, ServiceName="com.amazonaws.us-east-1.ecs-agent")

    with (
        nothing_changes(cloud),
        pytest.raises(ConfigurationInvalid, match=f"but network.vpc_id is {network}") as refused,
    ):
        up(again(stack, may_interrupt=True), network__vpc_id=network)

    assert "hfecs cluster down" in refused.value.hint


def test_more_machines_at_a_time_are_never_asked_for(stack: Stack) -> None:
    up(stack)
    runs(stack, "master", "worker")

    changed = up(again(stack), scaling__asg_max=9)

    assert changed["auto-scaling-group workers"] == ["MaxSize"]
    assert not {"service master", "service worker", "instance master"} & set(changed)
