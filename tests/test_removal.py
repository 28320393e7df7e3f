from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from hfecs.errors import Leftovers
from hfecs.removal import absent, remove
from hfecs.report import Outcome
from hfecs.resource import Found
from hfecs.stack import Stack
from hfecs.state import Record, State
from support import again, outcomes, steps


class Kind:
    """A resource module over a list of what exists."""

    def __init__(self, kind: str, *things: str, strangers: Iterable[str] = (), broken: Iterable[str] = ()) -> None:
        self.KIND = kind
        self.things, self._strangers, self._broken = list(things), list(strangers), set(broken)
        self.torn: list[str] = []

    def survey(self, _: Stack) -> Iterable[Found]:
        yield from (Found(name, f"id-{name}") for name in self.things)
        yield from (Found(name, f"id-{name}", ours=False) for name in self._strangers)

    def teardown(self, _: Stack, record: Record) -> None:
        if record.name in self._broken:
            raise ClientError({"Error": {"Code": "InUse", "Message": "still used"}}, "DeleteThing")
        self.torn.append(record.id)


def test_what_the_state_names_is_torn_down_and_forgotten(stack: Stack) -> None:
    lamp = Kind("lamp")
    stack.state.record("cluster", Record("lamp", "a", "id-a"))

    remove(stack, [[lamp]])

    assert lamp.torn == ["id-a"]
    assert State.load(stack.state.path).records("cluster") == []
    assert outcomes(stack) == {Outcome.DELETED}


def test_what_carries_our_tags_is_torn_down_without_a_state_file(stack: Stack) -> None:
    lamp = Kind("lamp", "a", "b")

    remove(stack, [[lamp]])

    assert sorted(lamp.torn) == ["id-a", "id-b"]


def test_a_strangers_thing_is_left_alone(stack: Stack) -> None:
    lamp = Kind("lamp", "a", strangers=["b"])

    remove(stack, [[lamp]])

    assert lamp.torn == ["id-a"]


def test_what_another_stack_recorded_is_left_alone(stack: Stack) -> None:
    lamp = Kind("lamp")
    stack.state.record("run", Record("lamp", "a", "id-a"))

    remove(stack, [[lamp]])

    assert lamp.torn == []


def test_paragraphs_are_torn_down_in_order(stack: Stack) -> None:
    kinds: list[Any] = [Kind("first", "a"), Kind("second", "b"), Kind("third", "c")]

    remove(stack, [[kind] for kind in kinds])

    assert [step.kind for step in steps(stack)] == ["first", "second", "third"]


def test_an_error_does_not_keep_the_rest_from_going_and_leftovers_lists_it(stack: Stack) -> None:
    lamp, table = Kind("lamp", "a", "b", broken=["a"]), Kind("table", "c")

    with pytest.raises(Leftovers, match="lamp a: AWS answered DeleteThing with InUse: still used") as raised:
        remove(stack, [[lamp], [table]])

    assert (lamp.torn, table.torn) == (["id-b"], ["id-c"])
    assert "run the same command again" in raised.value.hint


def test_what_could_not_be_removed_stays_recorded(stack: Stack) -> None:
    lamp = Kind("lamp", broken=["a"])
    stack.state.record("cluster", Record("lamp", "a", "id-a"))

    with pytest.raises(Leftovers):
        remove(stack, [[lamp]])

    assert [record.id for record in stack.state.records("cluster")] == ["id-a"]


def test_every_leftover_is_listed(stack: Stack) -> None:
    lamp = Kind("lamp", "a", "b", broken=["a", "b"])

    with pytest.raises(Leftovers) as raised:
        remove(stack, [[lamp]])

    assert len(raised.value.message.splitlines()) == 3


def test_a_plan_of_a_removal_removes_nothing(stack: Stack) -> None:
    lamp = Kind("lamp", "a")
    plan = again(stack, plan=True)

    remove(plan, [[lamp]])

    assert lamp.torn == []
    assert outcomes(plan) == {Outcome.DELETED}


def test_one_resource_that_is_not_wanted_any_more_goes_alone(stack: Stack) -> None:
    lamp = Kind("lamp", "a", "b", strangers=["c"])
    stack.survey([lamp])

    for name in ("a", "c", "not-there"):
        absent(stack, lamp, name)

    assert lamp.torn == ["id-a"]
    assert [step.outcome for step in steps(stack)] == [Outcome.DELETED]


def test_a_plan_of_one_removal_removes_nothing(stack: Stack) -> None:
    lamp, planned = Kind("lamp", "a"), again(stack, plan=True)
    planned.survey([lamp])

    absent(planned, lamp, "a")

    assert lamp.torn == []
    assert outcomes(planned) == {Outcome.DELETED}
