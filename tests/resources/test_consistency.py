"""What the real AWS answers for seconds or minutes, and moto never does: each code is waited out or passed over."""

from __future__ import annotations

from typing import Any

import pytest

from hfecs.errors import Leftovers
from hfecs.provisioning.stack import Stack
from hfecs.provisioning.teardown import remove
from hfecs.resources import service_linked_role
from resources.cases import CASES, Case
from support import WatchedCloud, again, nothing_changes, outcomes

BY_KIND = {case.module.KIND: case for case in CASES}

WHILE_MAKING = [
    ("role", "CreateRole", "MalformedPolicyDocument", "Invalid principal in policy"),
    ("role", "CreateRole", "EntityTemporarilyUnmodifiable", ""),
    ("role", "PutRolePolicy", "NoSuchEntity", "The role with name x cannot be found."),
    ("instance-profile", "AddRoleToInstanceProfile", "NoSuchEntity", "The role with name x cannot be found."),
    ("ecs-cluster", "CreateCluster", "InvalidParameterException", "Unable to assume the service linked role."),
    ("service", "CreateService", "InvalidParameterException", "Unable to assume the service linked role."),
    ("service", "CreateService", "InvalidParameterException", "Unable to Start a service that is still Draining."),
    ("service", "CreateService", "ClusterNotFoundException", ""),
    ("service", "CreateService", "InvalidParameterException", "The specified capacity provider was not found."),
    (
        "service",
        "CreateService",
        "InvalidParameterException",
        "The specified strategy cannot contain a capacity provider that is not associated with the cluster.",
    ),
    (
        "capacity-provider",
        "CreateCapacityProvider",
        "InvalidParameterException",
        "Unable to assume the service linked role.",
    ),
    ("capacity-provider", "PutClusterCapacityProviders", "UpdateInProgressException", ""),
    (
        "auto-scaling-group",
        "CreateAutoScalingGroup",
        "ValidationError",
        "You must use a valid fully-formed launch template. Invalid IAM Instance Profile name",
    ),
    ("auto-scaling-group", "CreateAutoScalingGroup", "ServiceLinkedRoleFailure", ""),
    ("scaling-policy", "PutScalingPolicy", "ResourceContention", ""),
    ("scalable-target", "RegisterScalableTarget", "ValidationException", "ECS service doesn't exist: x"),
    ("scalable-target", "RegisterScalableTarget", "ConcurrentUpdateException", ""),
    ("service-scaling-policy", "PutScalingPolicy", "ObjectNotFoundException", ""),
    ("log-group", "CreateLogGroup", "OperationAbortedException", ""),
    ("secret-parameter", "PutParameter", "TooManyUpdates", ""),
]
WHILE_REMOVING = [
    ("role", "DeleteRole", "DeleteConflict", ""),
    ("role", "DeleteRole", "ConcurrentModification", ""),
    ("instance-profile", "DeleteInstanceProfile", "DeleteConflict", ""),
    ("security-group", "DeleteSecurityGroup", "DependencyViolation", ""),
    ("security-group", "DeleteSecurityGroup", "InvalidGroup.InUse", ""),
    ("auto-scaling-group", "DeleteAutoScalingGroup", "ScalingActivityInProgress", ""),
    ("auto-scaling-group", "DeleteAutoScalingGroup", "ResourceContention", ""),
    ("service", "DeleteService", "InvalidParameterException", "cannot be stopped while deployments are active."),
    ("ecs-cluster", "DeleteCluster", "ClusterContainsContainerInstancesException", ""),
    ("ecs-cluster", "DeleteCluster", "ClusterContainsTasksException", ""),
    ("ecs-cluster", "DeleteCluster", "ClusterContainsServicesException", ""),
    ("ecs-cluster", "DeleteCluster", "UpdateInProgressException", ""),
    ("ecs-cluster", "DeleteCluster", "ClusterContainsCapacityProviderException", ""),
    ("capacity-provider", "PutClusterCapacityProviders", "ResourceInUseException", "is in use and cannot be removed."),
    ("capacity-provider", "PutClusterCapacityProviders", "UpdateInProgressException", ""),
    ("capacity-provider", "DeleteCapacityProvider", "ResourceInUseException", ""),
    ("capacity-provider", "DeleteCapacityProvider", "UpdateInProgressException", ""),
    ("log-group", "DeleteLogGroup", "OperationAbortedException", ""),
]
GONE_ALREADY = [
    ("alarm", "DeleteAlarms", "ResourceNotFound", ""),
    ("auto-scaling-group", "DeleteAutoScalingGroup", "ValidationError", "AutoScalingGroup name not found"),
    ("bucket", "ListMultipartUploads", "NoSuchBucket", ""),
    ("capacity-provider", "PutClusterCapacityProviders", "ClusterNotFoundException", ""),
    ("ecs-cluster", "DeleteCluster", "ClusterNotFoundException", ""),
    ("instance-profile", "GetInstanceProfile", "NoSuchEntity", ""),
    ("launch-template", "DeleteLaunchTemplate", "InvalidLaunchTemplateId.NotFound", ""),
    ("log-group", "DeleteLogGroup", "ResourceNotFoundException", ""),
    ("role", "ListRolePolicies", "NoSuchEntity", ""),
    ("scalable-target", "DeregisterScalableTarget", "ObjectNotFoundException", ""),
    ("scaling-policy", "DeletePolicy", "ValidationError", "not found"),
    ("secret-parameter", "DeleteParameter", "ParameterNotFound", ""),
    ("security-group", "DeleteSecurityGroup", "InvalidGroup.NotFound", ""),
    ("service", "DeleteService", "ServiceNotFoundException", ""),
    ("service", "DeleteService", "ServiceNotActiveException", ""),
    ("service-scaling-policy", "DeleteScalingPolicy", "ObjectNotFoundException", ""),
    ("task-definition", "DeregisterTaskDefinition", "ClientException", ""),
]


def identifiers(rows: list[Any]) -> list[str]:
    return [f"{kind}: {operation} {code}" for kind, operation, code, _ in rows]


def case_of(kind: str) -> Case:
    return BY_KIND[kind]


@pytest.mark.parametrize(("kind", "operation", "code", "message"), WHILE_MAKING, ids=identifiers(WHILE_MAKING))
def test_an_answer_that_means_not_yet_is_waited_out(
    stack: Stack, cloud: WatchedCloud, kind: str, operation: str, code: str, message: str
) -> None:
    case_of(kind).needs(stack)
    cloud.refuse(operation, code, message, times=3)

    case_of(kind).make(stack)

    assert cloud.refusals == []
    assert [found.name for found in case_of(kind).module.survey(stack)] == [case_of(kind).name]


@pytest.mark.parametrize(("kind", "operation", "code", "message"), WHILE_REMOVING, ids=identifiers(WHILE_REMOVING))
def test_an_answer_that_means_still_in_use_is_waited_out(
    stack: Stack, cloud: WatchedCloud, kind: str, operation: str, code: str, message: str
) -> None:
    case_of(kind).needs(stack)
    case_of(kind).make(stack)
    cloud.refuse(operation, code, message, times=3)

    remove(again(stack), [[case_of(kind).module]])

    assert cloud.refusals == []
    assert list(case_of(kind).module.survey(stack)) == []


@pytest.mark.parametrize(("kind", "operation", "code", "message"), GONE_ALREADY, ids=identifiers(GONE_ALREADY))
def test_an_answer_that_means_gone_is_what_was_wanted(
    stack: Stack, cloud: WatchedCloud, kind: str, operation: str, code: str, message: str
) -> None:
    case_of(kind).needs(stack)
    case_of(kind).make(stack)
    (record,) = stack.state.records("cluster")
    remove(again(stack), [[case_of(kind).module]])
    cloud.refuse(operation, code, message)

    case_of(kind).module.teardown(again(stack), record)


@pytest.mark.parametrize("kind", ["role", "security-group", "ecs-cluster", "service", "log-group", "alarm"])
def test_a_denied_removal_is_a_leftover(stack: Stack, cloud: WatchedCloud, kind: str) -> None:
    operations = {"alarm": "DeleteAlarms", "ecs-cluster": "DeleteCluster"}
    operation = operations.get(kind) or "Delete" + "".join(word.capitalize() for word in kind.split("-"))
    case_of(kind).needs(stack)
    case_of(kind).make(stack)
    cloud.refuse(operation, "AccessDenied", "not authorized")

    with pytest.raises(Leftovers, match="AccessDenied"):
        remove(again(stack), [[case_of(kind).module]])

    assert len(stack.state.records("cluster")) == 1


def test_the_accounts_roles_are_made_if_absent_and_stay(stack: Stack, cloud: WatchedCloud) -> None:
    service_linked_role.ensure(stack, "ecs.amazonaws.com")
    later = again(stack)

    with nothing_changes(cloud):
        service_linked_role.ensure(later, "ecs.amazonaws.com")
        remove(later, [[service_linked_role]])

    assert [found.name for found in service_linked_role.survey(stack)] == ["ecs.amazonaws.com"]


@pytest.mark.parametrize(
    ("code", "message"),
    [("InvalidInput", "Service role name X has been taken in this account"), ("EntityAlreadyExists", "")],
)
def test_an_accounts_role_that_appears_meanwhile_is_no_error(
    stack: Stack, cloud: WatchedCloud, code: str, message: str
) -> None:
    cloud.refuse("CreateServiceLinkedRole", code, message)

    service_linked_role.ensure(stack, "ecs.amazonaws.com")

    assert cloud.refusals == []


def test_a_plan_makes_no_role_of_the_account(stack: Stack, cloud: WatchedCloud) -> None:
    plan = again(stack, plan=True)

    with nothing_changes(cloud):
        service_linked_role.ensure(plan, "ecs.amazonaws.com")

    assert len(outcomes(plan)) == 1
