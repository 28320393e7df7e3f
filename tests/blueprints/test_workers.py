"""The two ways to change the number of machines: what each is made of, and how a cluster turns to the other."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto.ecs.models import ecs_backends

from blueprints.leftovers import leftovers
from hfecs.blueprints import cluster, workers
from hfecs.errors import HfecsError, NotConfirmed
from hfecs.provisioning.report import Outcome
from hfecs.provisioning.stack import Stack
from hfecs.provisioning.state import State
from support import REGION, WatchedCloud, again, configuration, nothing_changes, outcomes, stack_of, steps

PREFIX = "hfecs-hyperflow-"
BY_PROVIDER = {"scaling__instances": "capacity-provider"}
BY_ALARMS: dict[str, Any] = {}
COUNTED = {"scaling__worker_max": 9}


def up(stack: Stack, changes: dict[str, Any], **more: Any) -> Stack:
    cluster.up(stack, configuration(**changes, **more))
    return stack


def made(stack: Stack) -> set[str]:
    return {f"{step.kind} {step.name}" for step in steps(stack) if step.outcome is Outcome.CREATED}


def group(cloud: WatchedCloud) -> Any:
    (found,) = cloud.autoscaling.describe_auto_scaling_groups()["AutoScalingGroups"]
    return found


def policies(cloud: WatchedCloud) -> list[str]:
    return sorted(policy["PolicyName"] for policy in cloud.autoscaling.describe_policies()["ScalingPolicies"])


def actions(cloud: WatchedCloud) -> dict[str, list[str]]:
    """What each alarm acts on."""
    alarms = cloud.cloudwatch.describe_alarms()["MetricAlarms"]
    return {
        alarm["AlarmName"]: ["service" if ":resource/ecs/" in arn else "group" for arn in alarm["AlarmActions"]]
        for alarm in alarms
    }


def targets(cloud: WatchedCloud) -> list[Any]:
    return cloud.application_autoscaling.describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"]


def worker(cloud: WatchedCloud) -> Any:
    """The last call that made the workers' service."""
    return [call for call in cloud.calls_of("CreateService") if call["serviceName"] == f"{PREFIX}worker"][-1]


def environment(cloud: WatchedCloud, family: str, container: int) -> dict[str, str]:
    (*_, told) = [call for call in cloud.calls_of("RegisterTaskDefinition") if call["family"] == PREFIX + family]
    return {pair["name"]: pair["value"] for pair in told["containerDefinitions"][container]["environment"]}


def of_the_workers(stack: Stack) -> Any:
    """Their service, as moto keeps it."""
    services = ecs_backends[stack.cloud.account][REGION].services.values()
    (one,) = [service for service in services if service.name == f"{PREFIX}worker"]
    return one


def let_a_worker_run(stack: Stack) -> None:
    of_the_workers(stack).running_count = 1


def tell_the_provider(stack: Stack, provider: str) -> None:
    """Let ECS tell which provider the workers' service was made for, as AWS does and moto does not."""
    of_the_workers(stack).capacity_provider_strategy = [{"capacityProvider": provider, "weight": 1}]


def delete_by_hand(cloud: WatchedCloud) -> None:
    """Delete the workers' group and, if they have one, their provider; their service stays."""
    cloud.autoscaling.delete_auto_scaling_group(AutoScalingGroupName=f"{PREFIX}workers", ForceDelete=True)
    (known,) = cloud.ecs.describe_clusters(clusters=[f"{PREFIX}cluster"])["clusters"]
    if known.get("capacityProviders"):
        cloud.ecs.put_cluster_capacity_providers(
            cluster=f"{PREFIX}cluster", capacityProviders=[], defaultCapacityProviderStrategy=[]
        )
        cloud.ecs.delete_capacity_provider(capacityProvider=f"{PREFIX}workers")


def stands_by_provider(cloud: WatchedCloud) -> bool:
    (known,) = cloud.ecs.describe_clusters(clusters=[f"{PREFIX}cluster"])["clusters"]
    assert policies(cloud) == []
    assert actions(cloud) == {f"{PREFIX}jobs-wait": ["service"], f"{PREFIX}no-work": ["service"]}
    assert "launchType" not in worker(cloud)
    return known["capacityProviders"] == [f"{PREFIX}workers"]


def stands_by_alarms(cloud: WatchedCloud) -> bool:
    (known,) = cloud.ecs.describe_clusters(clusters=[f"{PREFIX}cluster"])["clusters"]
    assert policies(cloud) == [f"{PREFIX}fewer", f"{PREFIX}more"]
    assert actions(cloud) == {f"{PREFIX}{name}": ["group"] for name in ("jobs-wait", "no-work")}
    assert targets(cloud) == []
    assert worker(cloud)["launchType"] == "EC2"
    assert worker(cloud)["schedulingStrategy"] == "DAEMON"
    assert "capacityProviderStrategy" not in worker(cloud)
    return not known.get("capacityProviders")


def test_with_a_provider_the_group_has_no_policies_and_the_service_takes_its_machines(
    stack: Stack, cloud: WatchedCloud
) -> None:
    cloud.forget()

    up(stack, BY_PROVIDER, scaling__instance_cooldown=90, scaling__instance_adjustment=2)

    assert outcomes(stack) == {Outcome.CREATED}
    assert "capacity-provider workers" in made(stack)
    assert not [thing for thing in made(stack) if thing.startswith("scaling-policy")]
    assert stands_by_provider(cloud)
    (provider,) = cloud.calls_of("CreateCapacityProvider")
    assert provider["autoScalingGroupProvider"]["autoScalingGroupArn"] == group(cloud)["AutoScalingGroupARN"]
    assert provider["autoScalingGroupProvider"]["managedScaling"] == {
        "status": "ENABLED",
        "targetCapacity": 100,
        "minimumScalingStepSize": 2,
        "maximumScalingStepSize": 10_000,
        "instanceWarmupPeriod": 90,
    }
    assert worker(cloud)["capacityProviderStrategy"] == [{"capacityProvider": f"{PREFIX}workers", "weight": 1}]
    assert worker(cloud)["deploymentConfiguration"]["maximumPercent"] == 100


def test_the_provider_is_there_before_the_service_and_its_group_before_it(stack: Stack, cloud: WatchedCloud) -> None:
    cloud.forget()

    up(stack, BY_PROVIDER)

    order = [call.operation for call in cloud.calls]
    wanted = ["CreateAutoScalingGroup", "CreateCapacityProvider", "PutClusterCapacityProviders", "CreateService"]
    assert sorted(wanted, key=order.index) == wanted


def test_machines_are_protected_from_the_start_and_known_to_ecs_as_its_own(stack: Stack, cloud: WatchedCloud) -> None:
    up(stack, BY_PROVIDER)

    (tag,) = [tag for tag in group(cloud)["Tags"] if tag["Key"] == "AmazonECSManaged"]
    assert tag["PropagateAtLaunch"] is True
    assert group(cloud)["NewInstancesProtectedFromScaleIn"] is True


@pytest.mark.parametrize(("number", "kinds"), [({}, ["distinctInstance"]), ({"scaling__worker_max": 9}, [])], ids=str)
def test_no_constraint_looks_at_attributes_where_the_provider_says_which_machines(
    stack: Stack, cloud: WatchedCloud, number: dict[str, Any], kinds: list[str]
) -> None:
    cloud.forget()

    up(stack, BY_PROVIDER, **number)

    assert [constraint["type"] for constraint in worker(cloud)["placementConstraints"]] == kinds
    masters = [call for call in cloud.calls_of("CreateService") if call["serviceName"] == f"{PREFIX}master"]
    assert masters[0]["placementConstraints"][0]["expression"] == "attribute:hfecs.role == master"


def test_workers_protect_their_tasks_and_ecs_their_machines(stack: Stack, cloud: WatchedCloud) -> None:
    cloud.forget()

    up(stack, BY_PROVIDER)

    assert "AUTO_SCALING_GROUP" not in environment(cloud, "worker", 0)
    # The notifier, whose switch ends the machines, is told the same: it must not restart with the broker at a turn.
    assert environment(cloud, "master", 1)["AUTO_SCALING_GROUP"] == f"{PREFIX}workers"


@pytest.mark.parametrize("changes", [BY_PROVIDER, BY_ALARMS], ids=["provider", "alarms"])
def test_a_second_up_makes_no_changing_call_and_no_call_more(
    stack: Stack, cloud: WatchedCloud, changes: dict[str, Any]
) -> None:
    up(stack, changes)
    cloud.forget()

    with nothing_changes(cloud):
        later = up(again(stack), changes)

    assert outcomes(later) == {Outcome.UNCHANGED}
    for operation in ("DescribeCapacityProviders", "DescribeAutoScalingGroups", "DescribeClusters"):
        assert len(cloud.calls_of(operation)) == 1


def test_a_lost_state_file_heals(stack: Stack, cloud: WatchedCloud) -> None:
    up(stack, BY_PROVIDER)
    stack.state.document.path.unlink()
    state = State.load(stack.state.document.path)

    with nothing_changes(cloud):
        up(again(stack, state=state), BY_PROVIDER)

    assert "capacity-provider" in {record.kind for record in state.of("hyperflow").records("cluster")}


def test_other_settings_are_taken_up_in_place(stack: Stack, cloud: WatchedCloud) -> None:
    up(stack, BY_PROVIDER)
    cloud.forget()

    up(again(stack), BY_PROVIDER, scaling__instance_cooldown=120)

    assert cloud.changing() == ["UpdateCapacityProvider"]
    with nothing_changes(cloud):
        up(again(stack), BY_PROVIDER, scaling__instance_cooldown=120)


def test_a_cluster_turns_to_a_provider_and_back(stack: Stack, cloud: WatchedCloud) -> None:
    up(stack, BY_ALARMS)

    up(again(stack), BY_PROVIDER)
    assert stands_by_provider(cloud)
    with nothing_changes(cloud):
        up(again(stack), BY_PROVIDER)

    up(again(stack), BY_ALARMS)
    assert stands_by_alarms(cloud)
    with nothing_changes(cloud):
        up(again(stack), BY_ALARMS)


def test_turning_removes_in_the_order_of_the_teardown_and_leaves_the_broker_in_peace(
    stack: Stack, cloud: WatchedCloud
) -> None:
    up(stack, BY_PROVIDER)
    cloud.forget()

    up(again(stack), BY_ALARMS)

    removed = [
        *("DeleteAlarms", "DeleteScalingPolicy", "DeregisterScalableTarget", "DeleteService"),
        *("PutClusterCapacityProviders", "DeleteCapacityProvider", "DeleteAutoScalingGroup", "CreateAutoScalingGroup"),
    ]
    order = cloud.changing()
    assert sorted(removed, key=order.index) == removed
    assert [call["service"] for call in cloud.calls_of("DeleteService")] == [f"{PREFIX}worker"]
    assert not {"RunInstances", "TerminateInstances", "UpdateService"} & set(order)
    assert [call["family"] for call in cloud.calls_of("RegisterTaskDefinition")] == [f"{PREFIX}worker"]
    kinds = [module.KIND for paragraph in cluster.TEARDOWN for module in paragraph]
    turning = [module.KIND for paragraph in workers.ANEW for module in paragraph]
    assert sorted(turning, key=kinds.index) == turning


@pytest.mark.parametrize(("first", "then"), [(BY_ALARMS, BY_PROVIDER), (BY_PROVIDER, BY_ALARMS)], ids=["to", "back"])
def test_turning_is_asked_for_while_workers_run_and_planned(
    stack: Stack, cloud: WatchedCloud, first: dict[str, Any], then: dict[str, Any]
) -> None:
    up(stack, first)
    let_a_worker_run(stack)

    with nothing_changes(cloud):
        with pytest.raises(NotConfirmed, match="auto-scaling-group workers, instances: deletes the workers"):
            up(again(stack), then)
        plan = up(again(stack, plan=True), then)
    up(again(stack, may_interrupt=True), then)

    deleted = {f"{step.kind} {step.name}" for step in steps(plan) if step.outcome is Outcome.DELETED}
    assert {"service worker", "auto-scaling-group workers", "alarm no-work"} <= deleted
    assert {"service worker", "auto-scaling-group workers", "alarm no-work"} <= made(plan)
    assert stands_by_provider(cloud) if then is BY_PROVIDER else stands_by_alarms(cloud)


def test_turning_without_workers_is_not_asked_for(stack: Stack, cloud: WatchedCloud) -> None:
    up(stack, BY_ALARMS)

    up(again(stack), BY_PROVIDER)

    assert stands_by_provider(cloud)


def test_a_service_made_for_alarms_is_made_anew_for_a_provider_though_the_group_is_gone(
    stack: Stack, cloud: WatchedCloud
) -> None:
    up(stack, BY_ALARMS)
    delete_by_hand(cloud)

    up(again(stack), BY_PROVIDER)

    assert [call["service"] for call in cloud.calls_of("DeleteService")] == [f"{PREFIX}worker"]
    assert stands_by_provider(cloud)
    with nothing_changes(cloud):
        up(again(stack), BY_PROVIDER)


def test_a_service_made_for_a_provider_is_made_anew_for_alarms_though_group_and_provider_are_gone(
    stack: Stack, cloud: WatchedCloud
) -> None:
    up(stack, BY_PROVIDER)
    tell_the_provider(stack, f"{PREFIX}workers")
    delete_by_hand(cloud)
    let_a_worker_run(stack)

    with pytest.raises(NotConfirmed, match="service worker, instances: deletes the workers"):
        up(again(stack), BY_ALARMS)
    plan = up(again(stack, plan=True), BY_ALARMS)
    up(again(stack, may_interrupt=True), BY_ALARMS)

    assert "instances: capacity-provider -> alarms" in {step.detail for step in steps(plan)}
    assert [call["service"] for call in cloud.calls_of("DeleteService")] == [f"{PREFIX}worker"]
    assert stands_by_alarms(cloud)
    with nothing_changes(cloud):
        up(again(stack), BY_ALARMS)


def test_a_service_of_the_wanted_provider_stays(stack: Stack, cloud: WatchedCloud) -> None:
    up(stack, BY_PROVIDER)
    tell_the_provider(stack, f"{PREFIX}workers")

    with nothing_changes(cloud):
        up(again(stack), BY_PROVIDER)


def test_a_service_of_another_provider_is_made_anew(stack: Stack, cloud: WatchedCloud) -> None:
    up(stack, BY_PROVIDER)
    tell_the_provider(stack, "theirs")

    up(again(stack), BY_PROVIDER)

    assert [call["service"] for call in cloud.calls_of("DeleteService")] == [f"{PREFIX}worker"]
    assert stands_by_provider(cloud)


BREAKS = [
    *("DeleteAlarms", "DeleteService", "DeleteAutoScalingGroup"),
    *("CreateAutoScalingGroup", "CreateService", "PutMetricAlarm"),
]


@pytest.mark.parametrize("operation", [*BREAKS, "CreateCapacityProvider", "PutClusterCapacityProviders"])
def test_a_turn_to_a_provider_that_broke_is_ended_by_the_next_up(
    stack: Stack, cloud: WatchedCloud, operation: str
) -> None:
    up(stack, BY_ALARMS)
    cloud.refuse(operation, "AccessDeniedException", "not authorized", times=2)
    with pytest.raises((ExceptionGroup, ClientError, HfecsError)):
        up(again(stack), BY_PROVIDER)
    cloud.refusals.clear()

    up(again(stack), BY_PROVIDER)

    assert stands_by_provider(cloud)
    cluster.down(again(stack))
    assert leftovers(cloud) == []


@pytest.mark.parametrize(
    "operation", [*BREAKS, "DeregisterScalableTarget", "DeleteCapacityProvider", "PutScalingPolicy"]
)
def test_a_turn_back_that_broke_is_ended_by_the_next_up(stack: Stack, cloud: WatchedCloud, operation: str) -> None:
    up(stack, BY_PROVIDER)
    cloud.refuse(operation, "AccessDeniedException", "not authorized", times=2)
    with pytest.raises((ExceptionGroup, ClientError, HfecsError)):
        up(again(stack), BY_ALARMS)
    cloud.refusals.clear()

    up(again(stack), BY_ALARMS)

    assert stands_by_alarms(cloud)


def test_a_group_that_somebody_made_anew_gets_a_provider_of_its_own(stack: Stack, cloud: WatchedCloud) -> None:
    up(stack, BY_PROVIDER)
    cloud.autoscaling.delete_auto_scaling_group(AutoScalingGroupName=f"{PREFIX}workers", ForceDelete=True)

    up(again(stack), BY_PROVIDER)

    told = cloud.ecs.describe_capacity_providers(capacityProviders=[f"{PREFIX}workers"])["capacityProviders"]
    assert told[0]["autoScalingGroupProvider"]["autoScalingGroupArn"] == group(cloud)["AutoScalingGroupARN"]
    with nothing_changes(cloud):
        up(again(stack), BY_PROVIDER)


@pytest.mark.parametrize("has_state", [True, False], ids=["with its state", "without"])
def test_down_leaves_nothing(stack: Stack, cloud: WatchedCloud, has_state: bool) -> None:
    up(stack, BY_PROVIDER)
    cloud.forget()
    state = stack.state if has_state else State.load(stack.state.document.path.with_name("another"))

    cluster.down(again(stack, state=state))

    removed = ["DeleteService", "PutClusterCapacityProviders", "DeleteCapacityProvider", "DeleteAutoScalingGroup"]
    assert sorted([*removed, "DeleteCluster"], key=cloud.changing().index) == [*removed, "DeleteCluster"]
    assert leftovers(cloud) == []


def test_another_clusters_provider_stays_when_one_goes(stack: Stack, cloud: WatchedCloud) -> None:
    other = stack_of(cloud, State.load(stack.state.document.path.with_name("other")), cluster="hyperflow-b")
    up(other, BY_PROVIDER, cluster__name="hyperflow-b")

    up(stack, BY_PROVIDER)
    cluster.down(again(stack))

    with nothing_changes(cloud):
        up(again(other), BY_PROVIDER, cluster__name="hyperflow-b")


def test_a_warmup_that_ecs_does_not_take_is_refused() -> None:
    with pytest.raises(ValueError, match="instance_cooldown is 20000, but ECS allows 10000 at most"):
        configuration(**BY_PROVIDER, scaling__instance_cooldown=20_000)


def is_counted(cloud: WatchedCloud) -> bool:
    assert policies(cloud) == [f"{PREFIX}fewer", f"{PREFIX}more"]
    assert actions(cloud) == {f"{PREFIX}{name}": ["group", "service"] for name in ("jobs-wait", "no-work")}
    assert [target["MaxCapacity"] for target in targets(cloud)] == [9]
    return "schedulingStrategy" not in worker(cloud)


def test_a_machine_with_its_broker_or_worker_is_followed_by_a_daemon_and_counts_no_tasks(
    stack: Stack, cloud: WatchedCloud
) -> None:
    cloud.forget()

    up(stack, BY_ALARMS)

    for call in cloud.calls_of("CreateService"):
        assert call["schedulingStrategy"] == "DAEMON"
        assert not {"desiredCount", "placementStrategy", "availabilityZoneRebalancing"} & set(call)
        assert call["deploymentConfiguration"] == {"minimumHealthyPercent": 0, "maximumPercent": 100}
    assert cloud.calls_of("RegisterScalableTarget") == []


def test_a_configured_number_of_workers_recreates_only_their_service_and_back(
    stack: Stack, cloud: WatchedCloud
) -> None:
    up(stack, BY_ALARMS)
    cloud.forget()

    up(again(stack), COUNTED)
    assert is_counted(cloud)
    assert [call["service"] for call in cloud.calls_of("DeleteService")] == [f"{PREFIX}worker"]
    assert cloud.calls_of("DeleteAutoScalingGroup") == []
    with nothing_changes(cloud):
        up(again(stack), COUNTED)

    up(again(stack), BY_ALARMS)
    assert stands_by_alarms(cloud)
    with nothing_changes(cloud):
        up(again(stack), BY_ALARMS)


@pytest.mark.parametrize(("first", "then"), [(BY_ALARMS, COUNTED), (COUNTED, BY_ALARMS)], ids=["to", "back"])
def test_another_strategy_is_asked_for_while_workers_run_and_planned(
    stack: Stack, cloud: WatchedCloud, first: dict[str, Any], then: dict[str, Any]
) -> None:
    up(stack, first)
    let_a_worker_run(stack)

    with nothing_changes(cloud):
        with pytest.raises(NotConfirmed, match="service worker, schedulingStrategy: stops the workers"):
            up(again(stack), then)
        plan = up(again(stack, plan=True), then)
    up(again(stack, may_interrupt=True), then)

    changed = {f"{step.kind} {step.name}": step.detail for step in steps(plan) if step.outcome is Outcome.CHANGED}
    assert changed["service worker"].startswith("schedulingStrategy: ")
    assert changed["service worker"].endswith("(replaced)")
    assert is_counted(cloud) if then is COUNTED else stands_by_alarms(cloud)


@pytest.mark.parametrize("operation", ["DeregisterScalableTarget", "DeleteService", "CreateService", "PutMetricAlarm"])
def test_another_strategy_that_broke_is_ended_by_the_next_up_or_by_down(
    stack: Stack, cloud: WatchedCloud, operation: str
) -> None:
    up(stack, COUNTED)
    cloud.refuse(operation, "AccessDeniedException", "not authorized", times=2)
    with pytest.raises((ExceptionGroup, ClientError, HfecsError)):
        up(again(stack), BY_ALARMS)
    cloud.refusals.clear()

    if operation != "CreateService":
        up(again(stack), BY_ALARMS)
        assert stands_by_alarms(cloud)
    cluster.down(again(stack))

    assert leftovers(cloud) == []


def test_a_broker_of_an_earlier_version_is_made_anew_and_that_is_asked_for(stack: Stack, cloud: WatchedCloud) -> None:
    up(stack, BY_ALARMS)
    for service in ecs_backends[stack.cloud.account][REGION].services.values():
        service.scheduling_strategy, service.running_count = "REPLICA", 1

    with nothing_changes(cloud), pytest.raises(NotConfirmed) as refused:
        up(again(stack), BY_ALARMS)
    later = up(again(stack, may_interrupt=True), BY_ALARMS)

    assert "service master, schedulingStrategy: restarts the broker" in refused.value.message
    assert "service worker, schedulingStrategy: stops the workers" in refused.value.message
    changed = {f"{step.kind} {step.name}" for step in steps(later) if step.outcome is Outcome.CHANGED}
    assert changed == {"service master", "service worker"}
