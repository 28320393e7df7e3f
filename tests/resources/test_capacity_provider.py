"""What is peculiar to capacity providers: they belong to a cluster, and go in steps that may fail and be repeated."""

from __future__ import annotations

from typing import Any

import pytest
from moto.ecs.models import ecs_backends

from hfecs.errors import AwsFailed
from hfecs.provisioning.stack import Stack
from hfecs.provisioning.teardown import remove
from hfecs.resources import capacity_provider
from resources.cases import CASES
from support import REGION, WatchedCloud, again, steps

(PROVIDER,) = [case for case in CASES if case.module is capacity_provider]
NAME = "hfecs-hyperflow-workers"


@pytest.fixture
def made(stack: Stack, cloud: WatchedCloud) -> Stack:
    PROVIDER.needs(stack)
    PROVIDER.make(stack)
    cloud.forget()
    return again(stack)


def of_the_cluster(stack: Stack) -> list[str]:
    (cluster,) = stack.cloud.ecs.describe_clusters(clusters=[stack.full_name("cluster")])["clusters"]
    return cluster["capacityProviders"]


def described(stack: Stack) -> list[Any]:
    return list(stack.cloud.ecs.describe_capacity_providers(capacityProviders=[NAME])["capacityProviders"])


def status(stack: Stack, value: str) -> None:
    provider: Any = ecs_backends[stack.cloud.account][REGION].capacity_providers[NAME]
    provider.update_status = value


def test_a_new_one_protects_busy_machines_drains_none_and_is_the_clusters_but_not_by_default(
    stack: Stack, cloud: WatchedCloud
) -> None:
    PROVIDER.needs(stack)
    cloud.forget()

    PROVIDER.make(stack)

    (made,), (given,) = cloud.calls_of("CreateCapacityProvider"), cloud.calls_of("PutClusterCapacityProviders")
    details = made["autoScalingGroupProvider"]
    assert (details["managedTerminationProtection"], details["managedDraining"]) == ("ENABLED", "DISABLED")
    assert details["managedScaling"]["status"] == "ENABLED"
    assert (given["capacityProviders"], given["defaultCapacityProviderStrategy"]) == ([NAME], [])


def test_one_that_its_cluster_does_not_have_is_given_to_it(made: Stack) -> None:
    made.cloud.ecs.put_cluster_capacity_providers(
        cluster=made.full_name("cluster"), capacityProviders=[], defaultCapacityProviderStrategy=[]
    )

    PROVIDER.make(made)

    assert "cluster: none -> hfecs-hyperflow-cluster" in steps(made)[-1].detail
    assert of_the_cluster(made) == [NAME]


def test_the_clusters_change_is_waited_for(stack: Stack, cloud: WatchedCloud) -> None:
    PROVIDER.needs(stack)
    PROVIDER.make(stack)
    cloud.answer_once("DescribeClusters", clusters=[{"attachmentsStatus": "UPDATE_IN_PROGRESS"}])

    remove(again(stack), [[capacity_provider]])

    assert described(stack) == []
    assert len(cloud.calls_of("DescribeClusters")) > 1


def test_a_cluster_that_has_it_is_not_changed(stack: Stack, cloud: WatchedCloud) -> None:
    PROVIDER.needs(stack)
    cloud.answer("DescribeClusters", clusters=[{"capacityProviders": [NAME], "attachmentsStatus": "UPDATE_COMPLETE"}])

    PROVIDER.make(stack)

    assert cloud.calls_of("PutClusterCapacityProviders") == []


def test_a_cluster_that_never_had_it_is_not_changed_when_it_goes(made: Stack, cloud: WatchedCloud) -> None:
    made.cloud.ecs.put_cluster_capacity_providers(
        cluster=made.full_name("cluster"), capacityProviders=[], defaultCapacityProviderStrategy=[]
    )
    cloud.forget()

    remove(made, [[capacity_provider]])

    assert cloud.changing() == ["DeleteCapacityProvider"]


def test_a_change_of_the_cluster_that_failed_is_told(made: Stack, cloud: WatchedCloud) -> None:
    (record,) = made.state.records("cluster")
    cloud.answer_once("DescribeClusters", clusters=[{"capacityProviders": [NAME]}])
    cloud.answer("PutClusterCapacityProviders", cluster={"attachmentsStatus": "UPDATE_IN_PROGRESS"})
    cloud.answer("DescribeClusters", clusters=[{"capacityProviders": [], "attachmentsStatus": "UPDATE_FAILED"}])

    with pytest.raises(AwsFailed, match="could not change the capacity providers of cluster hfecs-hyperflow-cluster"):
        capacity_provider.teardown(made, record)


def told_in_turn(monkeypatch: pytest.MonkeyPatch, stack: Stack, *told: dict[str, Any]) -> list[dict[str, Any]]:
    """Let ECS tell this of the cluster, one after another; what is left of it."""
    left = list(told)
    monkeypatch.setattr(stack.cloud.ecs, "describe_clusters", lambda **_: {"clusters": [left.pop(0)]})
    return left


@pytest.mark.parametrize("before", ["UPDATE_COMPLETE", "UPDATE_FAILED"])
def test_what_the_cluster_was_before_its_change_does_not_count(
    made: Stack, cloud: WatchedCloud, monkeypatch: pytest.MonkeyPatch, before: str
) -> None:
    (record,) = made.state.records("cluster")
    old = {"capacityProviders": [NAME], "attachmentsStatus": before}
    changing = {"capacityProviders": [], "attachmentsStatus": "UPDATE_IN_PROGRESS"}
    done = {"capacityProviders": [], "attachmentsStatus": "UPDATE_COMPLETE"}
    made.cloud.ecs.put_cluster_capacity_providers(
        cluster=made.full_name("cluster"), capacityProviders=[], defaultCapacityProviderStrategy=[]
    )
    cloud.forget()
    cloud.answer("PutClusterCapacityProviders", cluster=changing)
    left = told_in_turn(monkeypatch, made, old, old, changing, done)

    capacity_provider.teardown(made, record)

    assert left == []
    assert cloud.changing() == ["PutClusterCapacityProviders", "DeleteCapacityProvider"]


def test_a_change_that_failed_again_is_told(made: Stack, cloud: WatchedCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    (record,) = made.state.records("cluster")
    failed = {"capacityProviders": [NAME], "attachmentsStatus": "UPDATE_FAILED"}
    changing = {"capacityProviders": [], "attachmentsStatus": "UPDATE_IN_PROGRESS"}
    cloud.answer("PutClusterCapacityProviders", cluster=changing)
    left = told_in_turn(monkeypatch, made, failed, failed, changing, failed)

    with pytest.raises(AwsFailed, match="could not change the capacity providers"):
        capacity_provider.teardown(made, record)

    assert left == []


def test_providers_of_others_stay_with_the_cluster(made: Stack, cloud: WatchedCloud) -> None:
    theirs = {"capacityProvider": "FARGATE", "weight": 1}
    made.cloud.ecs.put_cluster_capacity_providers(
        cluster=made.full_name("cluster"),
        capacityProviders=["FARGATE"],
        defaultCapacityProviderStrategy=[theirs],  # type: ignore[list-item]
    )

    PROVIDER.make(made)
    assert of_the_cluster(made) == ["FARGATE", NAME]
    remove(again(made), [[capacity_provider]])

    assert of_the_cluster(made) == ["FARGATE"]
    assert cloud.calls_of("PutClusterCapacityProviders")[-1]["defaultCapacityProviderStrategy"] == [theirs]


def test_it_leaves_its_cluster_before_it_is_deleted(made: Stack, cloud: WatchedCloud) -> None:
    remove(made, [[capacity_provider]])

    assert cloud.changing() == ["PutClusterCapacityProviders", "DeleteCapacityProvider"]
    assert of_the_cluster(made) == []
    assert described(made) == []


def test_a_deletion_that_failed_is_asked_for_again(made: Stack, cloud: WatchedCloud) -> None:
    status(made, "DELETE_FAILED")
    cloud.answer_once("DeleteCapacityProvider", capacityProvider={"name": NAME, "updateStatus": "DELETE_FAILED"})

    remove(made, [[capacity_provider]])

    assert len(cloud.calls_of("DeleteCapacityProvider")) == 2
    assert described(made) == []


def test_one_that_is_being_deleted_is_waited_for_and_made_again(made: Stack, cloud: WatchedCloud) -> None:
    status(made, "DELETE_IN_PROGRESS")
    made.survey([capacity_provider])
    made.cloud.ecs.delete_capacity_provider(capacityProvider=NAME)

    PROVIDER.make(made)

    assert "updateStatus: DELETE_IN_PROGRESS -> in service" in steps(made)[-1].detail
    assert [one["name"] for one in described(made)] == [NAME]


def test_one_that_was_deleted_and_is_still_listed_does_not_exist(stack: Stack, cloud: WatchedCloud) -> None:
    cloud.answer("DescribeCapacityProviders", capacityProviders=[{"name": NAME, "status": "INACTIVE"}], failures=[])

    assert list(capacity_provider.survey(stack)) == []
