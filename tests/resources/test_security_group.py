from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfecs.errors import Leftovers
from hfecs.provisioning.stack import Stack
from hfecs.provisioning.state import Record
from hfecs.provisioning.teardown import remove
from hfecs.resources import security_group
from hfecs.resources.security_group import Rule
from resources.cases import vpc
from support import FakeClock, WatchedCloud, again, nothing_changes, steps, watched

HOME, OFFICE = Rule(5672, "192.0.2.7/32"), Rule(5672, "198.51.100.0/24")


def make(stack: Stack, *rules: Rule, name: str = "broker") -> str:
    return security_group.ensure(stack, name, vpc_id=vpc(stack), description="d", rules=rules)


def permissions(stack: Stack, group: str) -> list[Any]:
    return list(stack.cloud.ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"][0]["IpPermissions"])


def sources(stack: Stack, group: str) -> set[tuple[int, str]]:
    """Ports and sources that are let in."""
    return {
        (permission["FromPort"], source.get("CidrIp") or source.get("CidrIpv6") or source.get("GroupId"))
        for permission in permissions(stack, group)
        for key in ("IpRanges", "Ipv6Ranges", "UserIdGroupPairs")
        for source in permission[key]
    }


def open_by_hand(stack: Stack, group: str, **permission: Any) -> None:
    stack.cloud.ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[permission])  # type: ignore[list-item]


def test_a_group_lets_in_what_its_rules_say(stack: Stack) -> None:
    members = stack.cloud.ec2.create_security_group(GroupName="m", Description="d", VpcId=vpc(stack))["GroupId"]

    group = make(stack, HOME, Rule(15672, "2001:db8::/32"), Rule(5672, members))

    assert sources(stack, group) == {(5672, HOME.source), (15672, "2001:db8::/32"), (5672, members)}


def test_a_group_without_rules_lets_nobody_in(stack: Stack) -> None:
    assert permissions(stack, make(stack)) == []


def test_only_the_rules_that_differ_are_sent(stack: Stack, cloud: WatchedCloud) -> None:
    make(stack, HOME, OFFICE)
    cloud.forget()

    group = make(again(stack), OFFICE, Rule(15672, OFFICE.source))

    assert sources(stack, group) == {(5672, OFFICE.source), (15672, OFFICE.source)}
    (opened,) = cloud.calls_of("AuthorizeSecurityGroupIngress")
    (closed,) = cloud.calls_of("RevokeSecurityGroupIngress")
    assert [permission["FromPort"] for permission in opened["IpPermissions"]] == [15672]
    assert "192.0.2.7/32" in str(closed["IpPermissions"])


@pytest.mark.parametrize(
    "hole",
    [
        {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]},
        {"IpProtocol": "tcp", "FromPort": 0, "ToPort": 65535, "IpRanges": [{"CidrIp": "203.0.113.0/24"}]},
        {"IpProtocol": "tcp", "FromPort": 5672, "ToPort": 6000, "IpRanges": [{"CidrIp": HOME.source}]},
        {"IpProtocol": "udp", "FromPort": 5672, "ToPort": 5672, "IpRanges": [{"CidrIp": HOME.source}]},
        {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "Ipv6Ranges": [{"CidrIpv6": "::/0"}]},
    ],
    ids=["all traffic", "a range", "a wider range", "another protocol", "IPv6"],
)
def test_a_hole_that_somebody_made_is_closed_and_named(stack: Stack, cloud: WatchedCloud, hole: Any) -> None:
    group = make(stack, HOME)
    before = permissions(stack, group)
    open_by_hand(stack, group, **hole)
    later = again(stack)

    make(later, HOME)

    assert permissions(stack, group) == before
    assert "ingress" in steps(later)[0].detail
    with nothing_changes(cloud):
        make(again(stack), HOME)


def test_a_rule_that_appears_meanwhile_is_no_error(stack: Stack, cloud: WatchedCloud) -> None:
    group = make(stack)
    cloud.refuse("AuthorizeSecurityGroupIngress", "InvalidPermission.Duplicate")

    assert make(again(stack), HOME) == group


def test_a_group_that_is_not_visible_yet_gets_its_rules_later(stack: Stack, cloud: WatchedCloud) -> None:
    cloud.refuse("AuthorizeSecurityGroupIngress", "InvalidGroup.NotFound", times=2)

    group = make(stack, HOME)

    assert sources(stack, group) == {(5672, HOME.source)}


def test_a_name_that_is_taken_but_not_listed_yet_is_found(stack: Stack) -> None:
    group = make(stack)
    later = again(stack)
    later.inventory.remember(security_group.KIND, [])

    assert make(later) == group


def test_a_group_that_is_still_used_is_deleted_when_its_last_user_has_gone(stack: Stack, cloud: WatchedCloud) -> None:
    make(stack)
    cloud.refuse("DeleteSecurityGroup", "DependencyViolation", "has a dependent object", times=20)

    remove(again(stack), [[security_group]])

    assert list(security_group.survey(stack)) == []


def refuse_while_named(cloud: WatchedCloud) -> None:
    """EC2 refuses to delete a group while it is named or used; moto does not."""
    cloud.refuse("DeleteSecurityGroup", "DependencyViolation", "resource has a dependent object", times=2000)


@pytest.mark.parametrize("direction", ["ingress", "egress"])
def test_a_strangers_group_that_names_ours_is_named_without_waiting_a_quarter_of_an_hour(
    stack: Stack, cloud: WatchedCloud, direction: str
) -> None:
    group = make(stack)
    stranger = stack.cloud.ec2.create_security_group(GroupName="web", Description="d", VpcId=vpc(stack))["GroupId"]
    permission: Any = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "UserIdGroupPairs": [{"GroupId": group}]}
    getattr(stack.cloud.ec2, f"authorize_security_group_{direction}")(GroupId=stranger, IpPermissions=[permission])
    refuse_while_named(cloud)
    later = again(stack)

    with pytest.raises(Leftovers, match=rf"rules of {stranger} \(web, not of hfecs\) name it"):
        remove(later, [[security_group]])

    clock = later.wait.clock
    assert isinstance(clock, FakeClock)
    assert sum(clock.slept) < 60
    assert [record.id for record in later.records] == [group]


def test_a_group_that_stays_in_use_names_the_network_interface(stack: Stack, cloud: WatchedCloud) -> None:
    group = make(stack)
    subnet = stack.cloud.ec2.describe_subnets()["Subnets"][0]["SubnetId"]
    stack.cloud.ec2.create_network_interface(SubnetId=subnet, Groups=[group], Description="ELB app/mine")
    refuse_while_named(cloud)

    with pytest.raises(Leftovers, match=r"still used by network interface eni-\w+ \(ELB app/mine\)"):
        remove(again(stack), [[security_group]])


def test_a_group_that_names_another_is_emptied_before_it_is_deleted(stack: Stack) -> None:
    make(stack, HOME)
    later = again(stack)

    remove(later, [[security_group]])

    changes = watched(later).changing()
    assert changes.index("RevokeSecurityGroupIngress") < changes.index("DeleteSecurityGroup")


def test_a_group_that_others_of_the_cluster_name_does_not_wait_for_them_to_go(
    stack: Stack, cloud: WatchedCloud
) -> None:
    named = make(stack)
    naming = make(stack, Rule(5672, named), HOME, name="other")
    theirs = cloud.ec2.create_security_group(GroupName="theirs", Description="d", VpcId=vpc(stack))["GroupId"]
    open_by_hand(stack, theirs, **Rule(5672, named).permission())

    security_group.teardown(stack, Record(security_group.KIND, "broker", named))

    assert sources(stack, naming) == {(5672, HOME.source)}
    assert [call["GroupId"] for call in cloud.calls_of("RevokeSecurityGroupIngress")] == [naming]


@given(port=st.integers(1, 65535), source=st.sampled_from([HOME.source, "2001:db8::/32", "sg-0123"]))
def test_every_rule_is_read_back_as_it_was_written(port: int, source: str) -> None:
    permission = Rule(port, source).permission()

    assert list(security_group._single([permission])) == [permission]
