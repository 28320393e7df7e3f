"""What holds for every kind of resource, whatever it is."""

from __future__ import annotations

import pytest

from hfecs.errors import NotOurs
from hfecs.provisioning.report import Outcome
from hfecs.provisioning.stack import Stack
from hfecs.provisioning.state import Record, State
from hfecs.provisioning.teardown import remove
from resources.cases import CASES, Case
from support import WatchedCloud, again, nothing_changes, outcomes, stack_of, steps

every = pytest.mark.parametrize("case", CASES, ids=str)
changeable = pytest.mark.parametrize("case", [case for case in CASES if case.differ], ids=str)
owned = pytest.mark.parametrize("case", [case for case in CASES if case.has_owner], ids=str)


def ours(stack: Stack, case: Case) -> list[str]:
    return [found.name for found in case.module.survey(stack) if found.ours]


@every
def test_a_new_one_is_made_and_recorded(stack: Stack, case: Case) -> None:
    case.needs(stack)

    case.make(stack)

    assert ours(stack, case) == [case.name]
    (record,) = State.load(stack.state.document.path).of("hyperflow").records("cluster")
    assert (record.kind, record.name) == (case.module.KIND, case.name)
    assert outcomes(stack) == {Outcome.CREATED}


@every
def test_a_second_time_changes_nothing_and_gives_the_same_id(stack: Stack, cloud: WatchedCloud, case: Case) -> None:
    case.needs(stack)
    first = case.make(stack)
    later = again(stack)

    with nothing_changes(cloud):
        assert case.make(later) == first

    assert outcomes(later) == {Outcome.UNCHANGED}


@every
def test_a_lost_record_heals_without_a_change(stack: Stack, cloud: WatchedCloud, case: Case) -> None:
    case.needs(stack)
    case.make(stack)
    before = [record.id for record in stack.state.records("cluster")]
    stack.state.document.path.unlink()
    state = State.load(stack.state.document.path)

    with nothing_changes(cloud):
        case.make(again(stack, state=state))

    assert [record.id for record in state.of("hyperflow").records("cluster")] == before


@changeable
def test_a_difference_is_mended_and_named(stack: Stack, cloud: WatchedCloud, case: Case) -> None:
    assert case.differ
    case.needs(stack)
    case.make(stack)
    later = again(stack)

    case.differ(later)

    (step,) = steps(later)
    assert step.outcome is Outcome.CHANGED
    assert case.field in step.detail
    with nothing_changes(cloud):
        case.differ(again(stack))


@every
def test_a_plan_of_a_new_one_changes_nothing(stack: Stack, cloud: WatchedCloud, case: Case) -> None:
    case.needs(stack)
    plan = again(stack, plan=True)

    with nothing_changes(cloud):
        case.make(plan)

    assert outcomes(plan) == {Outcome.CREATED}
    assert not stack.state.document.path.exists()


@changeable
def test_a_plan_of_a_difference_changes_nothing_and_names_it(stack: Stack, cloud: WatchedCloud, case: Case) -> None:
    assert case.differ
    case.needs(stack)
    case.make(stack)
    plan = again(stack, plan=True)

    with nothing_changes(cloud):
        case.differ(plan)

    (step,) = steps(plan)
    assert step.outcome is Outcome.CHANGED
    assert case.field in step.detail


@owned
def test_a_strangers_one_of_the_same_name_is_refused_and_left_alone(
    stack: Stack, cloud: WatchedCloud, case: Case
) -> None:
    stranger = stack_of(cloud, State.load(stack.state.document.path.with_name("stranger")), "of-a-stranger")
    case.needs(stack)
    case.make(stranger)

    with nothing_changes(cloud):
        with pytest.raises(NotOurs):
            case.make(stack)
        remove(again(stack), [[case.module]])

    assert stack.state.records("cluster") == []
    assert ours(stranger, case) == [case.name]


@every
def test_a_removal_makes_it_not_exist(stack: Stack, case: Case) -> None:
    case.needs(stack)
    case.make(stack)
    later = again(stack)

    remove(later, [[case.module]])

    assert list(case.module.survey(stack)) == []
    assert stack.state.records("cluster") == []
    assert outcomes(later) == {Outcome.DELETED}


@every
def test_a_removal_finds_it_without_the_state_file(stack: Stack, case: Case) -> None:
    case.needs(stack)
    case.make(stack)
    stack.state.document.path.unlink()

    remove(again(stack, state=State.load(stack.state.document.path)), [[case.module]])

    assert list(case.module.survey(stack)) == []


@every
def test_a_removal_of_what_is_gone_only_forgets_and_it_can_be_made_again(stack: Stack, case: Case) -> None:
    case.needs(stack)
    case.make(stack)
    (record,) = stack.state.records("cluster")
    remove(again(stack), [[case.module]])
    stack.state.record("cluster", Record(record.kind, record.name, record.id))

    remove(again(stack), [[case.module]])

    assert stack.state.records("cluster") == []
    case.make(again(stack))
    assert ours(stack, case) == [case.name]
