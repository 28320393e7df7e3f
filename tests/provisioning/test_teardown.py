from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from hfecs.errors import Leftovers
from hfecs.parallel import in_turn
from hfecs.provisioning.report import Outcome
from hfecs.provisioning.resource import Existing
from hfecs.provisioning.stack import Stack
from hfecs.provisioning.state import Record, State
from hfecs.provisioning.teardown import absent, one_list, remove
from support import FakeClock, WatchedCloud, again, outcomes, stack_of, steps


class Kind:
    """A resource module over a list of what exists."""

    def __init__(self, kind: str, *things: str, strangers: Iterable[str] = (), broken: Iterable[str] = ()) -> None:
        self.KIND = kind
        self.things, self._strangers, self._broken = list(things), list(strangers), set(broken)
        self.torn: list[str] = []

    def survey(self, _: Stack) -> Iterable[Existing]:
        yield from (Existing(name, f"id-{name}") for name in self.things)
        yield from (Existing(name, f"id-{name}", ours=False) for name in self._strangers)

    def teardown(self, _: Stack, record: Record) -> None:
        if record.name in self._broken:
            raise ClientError({"Error": {"Code": "InUse", "Message": "still used"}}, "DeleteThing")
        self.torn.append(record.id)


class Slow(Kind):
    """Things that never end."""

    def teardown(self, stack: Stack, record: Record) -> None:
        stack.wait.until(lambda: None, what="it", timeout=1200)


class Within(Kind):
    """Things without tags, inside the lamp a."""

    def survey(self, _: Stack) -> Iterable[Existing]:
        yield from (Existing(name, f"id-{name}", within=("lamp", "a")) for name in self.things)


def test_what_the_state_names_is_torn_down_and_forgotten(stack: Stack) -> None:
    lamp = Kind("lamp")
    stack.state.record("cluster", Record("lamp", "a", "id-a"))

    remove(stack, [[lamp]])

    assert lamp.torn == ["id-a"]
    assert State.load(stack.state.document.path).of("hyperflow").records("cluster") == []
    assert outcomes(stack) == {Outcome.DELETED}


def test_what_carries_our_tags_is_torn_down_without_a_state_file(stack: Stack) -> None:
    lamp = Kind("lamp", "a", "b")

    remove(stack, [[lamp]])

    assert sorted(lamp.torn) == ["id-a", "id-b"]


def test_a_strangers_thing_is_left_alone(stack: Stack) -> None:
    lamp = Kind("lamp", "a", strangers=["b"])

    remove(stack, [[lamp]])

    assert lamp.torn == ["id-a"]


@pytest.mark.parametrize(
    ("lamps", "gone"), [({"things": ["a"]}, ["id-wire"]), ({"strangers": ["a"]}, []), ({}, ["id-wire"])]
)
def test_what_cannot_carry_tags_goes_with_what_it_is_within(
    stack: Stack, lamps: dict[str, list[str]], gone: list[str]
) -> None:
    lamp, wire = Kind("lamp", *lamps.get("things", []), strangers=lamps.get("strangers", [])), Within("wire", "wire")

    remove(stack, [[wire], [lamp]])

    assert wire.torn == gone


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

    for name in "ab":
        reason = f"lamp {name}: AWS answered DeleteThing with InUse: still used"
        assert f"  lamp {name} (id-{name}), cost unknown\n      {reason}" in raised.value.message


def test_what_is_left_of_several_stacks_is_one_list(stack: Stack) -> None:
    lamp, other = Kind("lamp", "a", broken=["a"]), again(stack)
    kinds = [[lamp]]

    with pytest.raises(ExceptionGroup) as raised, one_list():
        in_turn(lambda: remove(stack, kinds), lambda: remove(other, kinds), lambda: int("nothing"))

    failed, left = raised.value.exceptions
    assert isinstance(failed, ValueError)
    assert isinstance(left, Leftovers)
    assert [thing.what for thing in left.things] == ["lamp a (id-a)"] * 2


def test_nothing_of_a_stack_is_waited_for_longer_than_an_hour(cloud: WatchedCloud, state: State) -> None:
    clock = FakeClock()
    stack = stack_of(cloud, state, clock=clock)
    slow = [Slow(f"slow-{number}", "a") for number in range(5)]

    with pytest.raises(Leftovers) as raised:
        remove(stack, [[kind] for kind in slow])

    assert clock.time - 1000 < 3600
    assert len(raised.value.things) == 5
    assert "seconds for it" in raised.value.things[0].reason


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
