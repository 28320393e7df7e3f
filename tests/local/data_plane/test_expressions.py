from __future__ import annotations

import pytest

from hfecs.local.data_plane.expressions import EC2_INSTANCE_ID, BadExpression, parse

WORKER = {"hfecs.role": "worker", "ecs.instance-type": "t2.small", "gpu": None, EC2_INSTANCE_ID: "i-1234"}


@pytest.mark.parametrize(
    "expression",
    [
        "attribute:hfecs.role == worker",
        "attribute:hfecs.role=='worker'",
        "attribute:hfecs.role != master",
        "attribute:gpu exists",
        "attribute:disk !exists",
        "attribute:ecs.instance-type in [t2.micro, t2.small]",
        "attribute:ecs.instance-type not_in [t2.large]",
        "attribute:hfecs.role == worker and attribute:gpu exists",
        "attribute:hfecs.role == master or attribute:gpu exists",
        "not (attribute:hfecs.role == master or attribute:disk exists)",
        "attribute:disk exists and attribute:gpu exists or attribute:hfecs.role == worker",
        "ec2InstanceId == i-1234",
        "ec2InstanceId in ['i-5678', 'i-1234'] and attribute:hfecs.role == worker",
    ],
)
def test_a_worker_fits(expression: str) -> None:
    assert parse(expression)(WORKER)


@pytest.mark.parametrize(
    "expression",
    [
        "attribute:hfecs.role == master",
        "attribute:disk == large",
        "attribute:disk != large",
        "attribute:disk exists",
        "attribute:gpu !exists",
        "attribute:hfecs.role == worker and not attribute:gpu exists",
        "attribute:hfecs.role == worker and ec2InstanceId == i-5678",
        "attribute:ec2InstanceId == i-1234",
        "ec2InstanceId != i-1234",
    ],
)
def test_a_worker_does_not_fit(expression: str) -> None:
    assert not parse(expression)(WORKER)


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "worker",
        "attribute:hfecs.role",
        "attribute:hfecs.role = worker",
        "attribute:hfecs.role ==",
        "attribute:hfecs.role == and",
        "attribute:hfecs.role == worker attribute:gpu exists",
        "attribute:hfecs.role in worker",
        "(attribute:gpu exists",
        "hfecs.role == worker",
        "attribute:a == b §",
    ],
)
def test_what_is_no_expression_is_refused(expression: str) -> None:
    with pytest.raises(BadExpression):
        parse(expression)
