from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from hfecs.local.data_plane.placement import DISTINCT, MEMBER_OF, Demand, Host, demand_of, fault_of, place, take


def host(name: str, **changes: Any) -> Host:
    return Host(**{"arn": name, "attributes": {"hfecs.role": "worker"}, "cpu": 1024, "memory": 900, **changes})


def demand(**changes: Any) -> Demand:
    return Demand(**{"cpu": 0, "memory": 500, "ports": frozenset(), "group": "service:worker", **changes})


def reason(wanted: Demand, there: Host) -> str:
    found = place(wanted, [there])
    assert isinstance(found, list)
    return found[0].reason


def test_a_task_goes_to_the_emptiest_host() -> None:
    full, empty = host("a", memory=600), host("b", memory=800)

    assert place(demand(), [full, empty]) is empty


def test_a_task_that_is_to_be_packed_goes_to_the_fullest_host_with_room() -> None:
    full, empty, too_full = host("a", memory=600), host("b", memory=800), host("c", memory=400)

    assert place(demand(), [empty, full, too_full], [{"type": "binpack", "field": "memory"}]) is full


def test_a_task_for_one_machine_goes_to_no_other_of_its_role() -> None:
    own, emptier = host("a", memory=600, instance_id="i-1"), host("b", memory=800, instance_id="i-2")

    wanted = demand(expressions=("attribute:hfecs.role == worker and ec2InstanceId == i-1",))

    assert place(wanted, [emptier, own]) is own


@pytest.mark.parametrize(
    ("wanted", "there", "expected"),
    [
        (demand(memory=901), host("a"), "RESOURCE:MEMORY"),
        (demand(cpu=2048), host("a"), "RESOURCE:CPU"),
        (demand(ports=frozenset({5672})), host("a", ports={5672}), "RESOURCE:PORTS"),
        (demand(ports=frozenset({22})), host("a"), "RESOURCE:PORTS"),
        (demand(expressions=("attribute:hfecs.role == master",)), host("a"), MEMBER_OF),
        (demand(expressions=("ec2InstanceId == i-2",)), host("a", instance_id="i-1"), MEMBER_OF),
        (demand(distinct=True), host("a", groups=["service:worker"]), DISTINCT),
    ],
)
def test_a_host_that_does_not_fit_says_why(wanted: Demand, there: Host, expected: str) -> None:
    assert reason(wanted, there) == expected


def test_a_task_that_was_placed_takes_its_share() -> None:
    there = host("a")

    take(demand(ports=frozenset({80})), there)

    assert (there.memory, there.ports, there.groups) == (400, {80}, ["service:worker"])
    assert reason(demand(), there) == "RESOURCE:MEMORY"


def test_a_definition_demands_what_its_containers_reserve() -> None:
    definition = SimpleNamespace(
        container_definitions=[
            {"memoryReservation": 256, "memory": 512, "portMappings": [{"containerPort": 5672, "hostPort": 5672}]},
            {"memory": 100, "cpu": 128, "portMappings": [{"containerPort": 80}]},
        ],
        memory=None,
        cpu=None,
        placement_constraints=[{"type": "memberOf", "expression": "attribute:a exists"}],
    )

    wanted = demand_of(definition, "family:f", [{"type": "distinctInstance"}])

    assert wanted == Demand(128, 356, frozenset({5672}), "family:f", ("attribute:a exists",), distinct=True)


def test_a_bad_constraint_is_named() -> None:
    assert "attribute:a = b" in fault_of([{"type": "memberOf", "expression": "attribute:a = b"}])
    assert "everywhere" in fault_of([{"type": "everywhere"}])
    assert not fault_of([{"type": "memberOf", "expression": "attribute:a == b"}, {"type": "distinctInstance"}])
