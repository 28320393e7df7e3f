from __future__ import annotations

from typing import Any

import boto3
import pytest

from service_models import VIOLATIONS, compiled, violations
from support import WatchedCloud

ALARM = {"AlarmName": "busy", "ComparisonOperator": "GreaterThanThreshold", "MetricName": "m", "Namespace": "n"}


def found(service: str, operation: str, **params: Any) -> list[str]:
    client: Any = boto3.client(service, region_name="us-east-1")  # type: ignore[call-overload]
    return violations(client.meta.service_model.operation_model(operation), params)


@pytest.mark.parametrize(
    ("service", "operation", "params", "fault"),
    [
        ("iam", "CreateRole", {"RoleName": "a b", "AssumeRolePolicyDocument": "{}"}, "does not match"),
        ("iam", "CreateRole", {"RoleName": "a" * 65, "AssumeRolePolicyDocument": "{}"}, "more than 64"),
        ("ecs", "RunTask", {"taskDefinition": "t", "launchType": "MOON"}, "none of"),
        ("ecs", "RunTask", {"taskDefinition": "t", "count": 11}, "more than 10"),
        ("ecs", "CreateCluster", {"tags": [{"key": "a,b", "value": ""}]}, "does not match"),
        ("ecs", "CreateCluster", {"tags": [{"key": "aws:a", "value": ""}]}, "AWS's own"),
        ("ec2", "CreateSecurityGroup", {"GroupName": "g", "Description": "it's"}, "security group"),
        ("ec2", "CreateLaunchTemplate", {"LaunchTemplateData": {"UserData": "YWFh" * 6_000}}, "more than 16384"),
        ("cloudwatch", "PutMetricAlarm", {**ALARM, "Period": 60, "EvaluationPeriods": 1_441}, "more than 86400"),
        ("cloudwatch", "PutMetricAlarm", {**ALARM, "Period": 45, "EvaluationPeriods": 1}, "multiple of 60"),
    ],
)
def test_what_aws_refuses_is_found(service: str, operation: str, params: dict[str, Any], fault: str) -> None:
    assert any(fault in one for one in found(service, operation, **params))


def test_what_aws_takes_is_not_found() -> None:
    assert found("iam", "CreateRole", RoleName="a+b", AssumeRolePolicyDocument="{}") == []
    assert found("cloudwatch", "PutMetricAlarm", **ALARM, Period=60, EvaluationPeriods=1_440) == []
    assert found("ecs", "CreateCluster", tags=[{"key": "größe", "value": "a b"}]) == []


def test_a_class_of_java_gets_brackets_only_where_it_has_none() -> None:
    assert compiled(r"\p{Print}+").fullmatch("a]b")
    assert not compiled(r"[\p{L}_]*").fullmatch("a]")


def test_each_client_of_the_tests_is_checked(cloud: WatchedCloud) -> None:
    cloud.ecs.list_clusters()
    assert VIOLATIONS.take() == []

    cloud.answer("RunTask", tasks=[])
    cloud.ecs.run_task(cluster="c", taskDefinition="t", launchType="MOON")  # type: ignore[arg-type]

    assert len(VIOLATIONS.take()) == 1
