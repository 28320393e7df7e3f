from __future__ import annotations

from typing import Any

import pytest

from hfecs.provisioning.report import Outcome
from hfecs.provisioning.stack import Stack
from hfecs.provisioning.state import Record
from hfecs.provisioning.teardown import remove
from hfecs.resources import ingress, security_group
from resources.cases import vpc
from support import WatchedCloud, again, nothing_changes, outcomes, stack_of, steps

PORT = 8086


@pytest.fixture
def house(stack: Stack) -> str:
    """A group of another stack of the same cluster."""
    other = stack_of(stack.cloud, stack.state, "monitoring")
    return security_group.ensure(other, "monitoring", vpc_id=vpc(stack), description="d")


@pytest.fixture
def guest(stack: Stack) -> str:
    """A group of this stack."""
    return security_group.ensure(stack, "members", vpc_id=vpc(stack), description="d")


def let_in(stack: Stack, house: str, guest: str) -> str:
    return ingress.ensure(stack, group=house, port=PORT, source=guest)


def permissions(stack: Stack, group: str) -> list[tuple[int, str]]:
    (known,) = stack.cloud.ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"]
    rules: list[Any] = known["IpPermissions"]
    return [(rule["FromPort"], pair["GroupId"]) for rule in rules for pair in rule["UserIdGroupPairs"]]


def test_a_group_is_let_in_on_one_port(stack: Stack, house: str, guest: str) -> None:
    let_in(stack, house, guest)

    assert permissions(stack, house) == [(PORT, guest)]
    assert Record(ingress.KIND, f"{house}/{PORT}/{guest}", f"{house}/{PORT}/{guest}") in [
        Record(record.kind, record.name, record.id) for record in stack.state.records("cluster")
    ]


def test_a_second_ensure_makes_no_changing_call(stack: Stack, cloud: WatchedCloud, house: str, guest: str) -> None:
    let_in(stack, house, guest)

    with nothing_changes(cloud):
        later = again(stack)
        let_in(later, house, guest)

    assert outcomes(later) == {Outcome.UNCHANGED}


def test_a_rule_that_somebody_made_meanwhile_is_taken_over(
    stack: Stack, cloud: WatchedCloud, house: str, guest: str
) -> None:
    stack.survey([ingress])
    let_in(again(stack), house, guest)

    let_in(stack, house, guest)

    assert permissions(stack, house) == [(PORT, guest)]


def test_removing_closes_the_way_and_leaves_other_ways_open(stack: Stack, house: str, guest: str) -> None:
    other = security_group.ensure(stack_of(stack.cloud, stack.state, "run"), "run", vpc_id=vpc(stack), description="d")
    ingress.ensure(stack_of(stack.cloud, stack.state, "run"), group=house, port=PORT, source=other)
    let_in(stack, house, guest)

    remove(again(stack), [[ingress], [security_group]])

    assert permissions(stack, house) == [(PORT, other)]


def test_removing_a_way_into_a_group_that_is_gone_only_forgets_it(stack: Stack, house: str, guest: str) -> None:
    let_in(stack, house, guest)
    stack.cloud.ec2.delete_security_group(GroupId=house)
    later = again(stack)

    remove(later, [[ingress]], keeping={security_group.KIND})

    assert [step.outcome for step in steps(later)] == [Outcome.DELETED]
    assert ingress.KIND not in {record.kind for record in stack.state.records("cluster")}
