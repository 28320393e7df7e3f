from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

import pytest
from botocore.exceptions import ClientError

from hfecs.errors import Leftovers
from hfecs.parallel import in_turn, together
from hfecs.provisioning.report import Outcome
from hfecs.provisioning.resource import Existing
from hfecs.provisioning.stack import Stack
from hfecs.provisioning.state import Record, State
from hfecs.provisioning.teardown import absent, one_list, remove, survey
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
    others = [[lamp], [Kind("table", "b", broken=["b"])]]

    with pytest.raises(ExceptionGroup) as raised, one_list():
        in_turn(lambda: remove(stack, kinds), lambda: remove(other, others), lambda: int("nothing"))

    failed, left = raised.value.exceptions
    assert isinstance(failed, ValueError)
    assert isinstance(left, Leftovers)
    assert [thing.what for thing in left.things] == ["lamp a (id-a)", "table b (id-b)"]


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


class Blind(Kind):
    """A resource module whose kind cannot be listed."""

    def survey(self, _: Stack) -> Iterable[Existing]:
        yield from (Existing(name, f"id-{name}") for name in self.things)
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "not you"}}, "DescribeThings")


def test_a_recorded_thing_without_our_tags_is_a_leftover_with_cost_and_way_out(stack: Stack) -> None:
    lamp, table = Kind("lamp", strangers=["a"]), Kind("table", "b")
    stack.state.record("cluster", Record("lamp", "a", "id-a"))

    with pytest.raises(Leftovers) as raised:
        remove(stack, [[lamp], [table]])

    (left,) = raised.value.things
    assert (left.what, left.cost) == ("lamp a (id-a)", "cost unknown")
    assert "no longer carries the tags" in left.reason
    assert "delete it yourself, or give it back its tags (hfecs:cluster=hyperflow" in left.reason
    assert (lamp.torn, table.torn) == ([], ["id-b"])


def test_the_next_removal_still_knows_what_lost_its_tags_and_removes_it_once_it_has_them_again(stack: Stack) -> None:
    stack.state.record("cluster", Record("lamp", "a", "id-a"))
    for _ in range(2):
        with pytest.raises(Leftovers, match="lamp a"):
            remove(again(stack), [[Kind("lamp", strangers=["a"])]])
    tagged_again = Kind("lamp", "a")

    remove(again(stack), [[tagged_again]])

    assert tagged_again.torn == ["id-a"]
    assert stack.state.records("cluster") == []


def test_a_recorded_thing_that_something_else_replaced_is_forgotten(stack: Stack) -> None:
    lamp = Kind("lamp", strangers=["a"])
    stack.state.record("cluster", Record("lamp", "a", "id-of-old"))

    remove(stack, [[lamp]])

    assert lamp.torn == []
    assert stack.state.records("cluster") == []


def test_a_recorded_thing_inside_what_lost_its_tags_is_a_leftover(stack: Stack) -> None:
    lamp, wire = Kind("lamp", strangers=["a"]), Within("wire", "w")
    stack.state.record("cluster", Record("lamp", "a", "id-a"))
    stack.state.record("cluster", Record("wire", "w", "id-w"))

    with pytest.raises(Leftovers) as raised:
        remove(stack, [[wire], [lamp]])

    assert [thing.what for thing in raised.value.things] == ["wire w (id-w)", "lamp a (id-a)"]
    assert "belongs to lamp a" in raised.value.things[0].reason


def test_a_namesake_does_not_hide_what_is_ours(stack: Stack) -> None:
    lamp = Kind("lamp", "a", strangers=["a"])

    remove(stack, [[lamp]])

    assert lamp.torn == ["id-a"]


def test_a_kind_that_cannot_be_listed_keeps_nothing_else_from_going_and_is_a_leftover(stack: Stack) -> None:
    lamp, blind, table = Kind("lamp", "a"), Blind("blind", "seen"), Kind("table", "c")
    stack.state.record("cluster", Record("blind", "b", "id-b"))

    with pytest.raises(Leftovers) as raised:
        remove(stack, [[lamp], [blind], [table]])

    assert (lamp.torn, blind.torn, table.torn) == (["id-a"], ["id-b"], ["id-c"])
    (left,) = raised.value.things
    assert left.what == "any blind that the state does not name"
    assert "AWS answered DescribeThings with AccessDenied: not you" in left.reason


def test_a_kind_that_could_not_be_listed_is_not_listed_a_second_time(stack: Stack) -> None:
    blind = Blind("blind")
    survey(stack, [blind])

    with pytest.raises(Leftovers) as raised:
        remove(stack, [[blind]], looked=True)

    assert len(raised.value.things) == 1


def test_what_is_inside_a_kind_that_could_not_be_listed_goes_if_the_state_names_what_it_is_in(stack: Stack) -> None:
    lamp, wire = Blind("lamp"), Within("wire", "w")
    stack.state.record("cluster", Record("lamp", "a", "id-a"))

    with pytest.raises(Leftovers):
        remove(stack, [[wire], [lamp]])

    assert (wire.torn, lamp.torn) == (["id-w"], ["id-a"])


def test_several_errors_of_one_removal_are_one_leftover(stack: Stack) -> None:
    class Both(Kind):
        def teardown(self, stack: Stack, record: Record) -> None:
            broken = Kind("part", broken=["x", "y"])
            together(*[partial(broken.teardown, stack, Record("part", name, name)) for name in "xy"])

    lamp, table = Both("lamp", "a"), Kind("table", "c")

    with pytest.raises(Leftovers, match="DeleteThing with InUse") as raised:
        remove(stack, [[lamp], [table]])

    assert len(raised.value.things) == 1
    assert table.torn == ["id-c"]
