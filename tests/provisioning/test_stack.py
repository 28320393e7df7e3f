from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from hfecs.errors import AwsFailed, NotConfirmed, NotOurs, StateInvalid, TimedOut
from hfecs.provisioning.report import Outcome
from hfecs.provisioning.resource import Change, Existing, Planned, digest
from hfecs.provisioning.stack import Stack
from hfecs.provisioning.state import ClusterState, Record, State
from support import again, outcomes, steps

KIND = "lamp"


@dataclass
class Shop:
    """Things as AWS would keep them, and what was done to them."""

    things: dict[str, Existing] = field(default_factory=dict)
    done: list[str] = field(default_factory=list)
    hidden_looks: int = 0
    refusal: str = ""
    size: int = 1

    def survey(self, _: Stack) -> Iterable[Existing]:
        self.done.append("look")
        self.hidden_looks -= 1
        return [] if self.hidden_looks >= 0 else list(self.things.values())

    def create(self) -> str:
        self.done.append("create")
        if self.refusal:
            raise ClientError({"Error": {"Code": self.refusal, "Message": "no"}}, "CreateLamp")
        self.things["a"] = Existing("a", "id-a", self.size)
        return "id-a"

    def resize(self, size: int, answer: str | None = None) -> str | None:
        self.done.append(f"resize to {size}")
        self.things["a"] = Existing("a", answer or "id-a", size)
        return answer

    def changes(
        self, size: int, interrupts: str = "", answer: str | None = None
    ) -> Callable[[Existing], Iterator[Change]]:
        def differing(found: Existing) -> Iterator[Change]:
            if found.actual != size:
                yield Change("size", found.actual, size, lambda: self.resize(size, answer), interrupts)

        return differing

    def ensure(self, stack: Stack, **more: Any) -> str:
        return stack.ensure(KIND, "a", survey=self.survey, create=self.create, **more)


@pytest.fixture
def shop() -> Shop:
    return Shop()


def recorded(state: State | ClusterState) -> list[tuple[str, str, str]]:
    mine = state.of("hyperflow") if isinstance(state, State) else state
    return [(record.kind, record.name, record.id) for record in mine.records("cluster")]


def test_what_is_missing_is_created_and_recorded(stack: Stack, shop: Shop) -> None:
    assert shop.ensure(stack) == "id-a"

    assert shop.done == ["look", "create"]
    assert recorded(State.load(stack.state.document.path)) == [(KIND, "a", "id-a")]
    assert steps(stack)[0].outcome is Outcome.CREATED


def test_what_is_there_is_left_unchanged(stack: Stack, shop: Shop) -> None:
    shop.ensure(stack)
    later = again(stack)

    assert shop.ensure(later, changes=shop.changes(1)) == "id-a"

    assert shop.done == ["look", "create", "look"]
    assert outcomes(later) == {Outcome.UNCHANGED}


def test_what_differs_is_changed_and_named(stack: Stack, shop: Shop) -> None:
    shop.ensure(stack)
    later = again(stack)

    shop.ensure(later, changes=shop.changes(7))

    assert shop.done[-1] == "resize to 7"
    assert [(step.outcome, step.detail) for step in steps(later)] == [(Outcome.CHANGED, "size: 1 -> 7")]


def test_a_change_that_answers_with_a_new_id_is_recorded(stack: Stack, shop: Shop) -> None:
    shop.ensure(stack)

    identifier = shop.ensure(again(stack), changes=shop.changes(7, answer="id-b"))

    assert identifier == "id-b"
    assert recorded(stack.state) == [(KIND, "a", "id-b")]


def test_a_plan_creates_nothing_and_hands_on_a_placeholder(stack: Stack, shop: Shop) -> None:
    plan = again(stack, plan=True)

    identifier = shop.ensure(plan)

    assert isinstance(identifier, Planned)
    assert shop.done == ["look"]
    assert outcomes(plan) == {Outcome.CREATED}
    assert not stack.state.document.path.exists()


def test_a_plan_changes_nothing_and_tells_what_it_would(stack: Stack, shop: Shop) -> None:
    shop.ensure(stack)
    plan = again(stack, plan=True)

    identifier = shop.ensure(plan, changes=shop.changes(7, interrupts="ends the light"))

    assert identifier == "id-a"
    assert "resize to 7" not in shop.done
    assert steps(plan)[0].detail == "size: 1 -> 7"


def test_a_plan_writes_down_no_output(stack: Stack) -> None:
    again(stack, plan=True).output(image="x")

    assert stack.outputs() == {}


def test_an_output_that_is_known_is_not_written_again(stack: Stack) -> None:
    stack.output(image="x")
    before = stack.state.document.path.stat().st_mtime_ns

    stack.output(image="x")

    assert stack.state.document.path.stat().st_mtime_ns == before


def test_a_strangers_thing_is_refused_and_not_touched(stack: Stack, shop: Shop) -> None:
    shop.things["a"] = Existing("a", "id-s", 1, ours=False)

    with pytest.raises(NotOurs, match="The lamp a "):
        shop.ensure(stack, changes=shop.changes(7))

    assert shop.done == ["look"]
    assert stack.state.records("cluster") == []
    assert outcomes(stack) == {Outcome.FAILED}


def test_a_name_that_is_taken_but_not_visible_yet_is_looked_for_until_it_shows_up(stack: Stack, shop: Shop) -> None:
    shop.things["a"] = Existing("a", "id-a", 1)
    shop.hidden_looks = 3
    shop.refusal = "AlreadyExists"

    assert shop.ensure(stack, exists_codes=["AlreadyExists"]) == "id-a"

    assert shop.done == ["look", "create", "look", "look", "look"]
    assert recorded(stack.state) == [(KIND, "a", "id-a")]


def test_a_taken_name_that_turns_out_to_be_a_strangers_is_refused(stack: Stack, shop: Shop) -> None:
    shop.things["a"] = Existing("a", "id-s", 1, ours=False)
    shop.hidden_looks = 1
    shop.refusal = "AlreadyExists"

    with pytest.raises(NotOurs):
        shop.ensure(stack, exists_codes=["AlreadyExists"])


def test_a_taken_name_that_never_shows_up_ends_the_wait(stack: Stack, shop: Shop) -> None:
    shop.refusal = "AlreadyExists"

    with pytest.raises(TimedOut, match="lamp a, which exists, to show up"):
        shop.ensure(stack, exists_codes=["AlreadyExists"])


def test_an_unexpected_answer_is_a_sentence_about_the_thing(stack: Stack, shop: Shop) -> None:
    shop.refusal = "LimitExceededException"

    with pytest.raises(AwsFailed, match="lamp a: AWS answered CreateLamp with LimitExceededException") as raised:
        shop.ensure(stack, exists_codes=["AlreadyExists"])

    assert raised.value.code == "LimitExceededException"
    assert stack.state.records("cluster") == []
    assert outcomes(stack) == {Outcome.FAILED}


def test_a_lost_connection_is_a_sentence_too(stack: Stack, shop: Shop) -> None:
    def create() -> str:
        raise EndpointConnectionError(endpoint_url="https://ecs")

    with pytest.raises(AwsFailed, match="lamp a: Could not connect"):
        stack.ensure(KIND, "a", survey=shop.survey, create=create)


def test_a_bug_is_not_explained_away(stack: Stack, shop: Shop) -> None:
    def create() -> str:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        stack.ensure(KIND, "a", survey=shop.survey, create=create)


def test_a_change_that_interrupts_work_needs_permission(stack: Stack, shop: Shop) -> None:
    shop.ensure(stack)

    with pytest.raises(NotConfirmed, match="Changing size: 1 -> 7 ends the light") as raised:
        shop.ensure(again(stack), changes=shop.changes(7, interrupts="ends the light"))

    assert "--yes" in raised.value.hint
    assert "resize to 7" not in shop.done


def test_a_change_that_interrupts_work_is_made_with_permission(stack: Stack, shop: Shop) -> None:
    shop.ensure(stack)

    shop.ensure(again(stack, may_interrupt=True), changes=shop.changes(7, interrupts="ends the light"))

    assert shop.done[-1] == "resize to 7"


def test_a_lost_record_heals(stack: Stack, shop: Shop) -> None:
    shop.ensure(stack)
    stack.state.document.path.unlink()
    later = again(stack, state=State.load(stack.state.document.path))

    shop.ensure(later)

    assert recorded(State.load(stack.state.document.path)) == [(KIND, "a", "id-a")]
    assert outcomes(later) == {Outcome.UNCHANGED}


def test_a_record_of_another_id_heals(stack: Stack, shop: Shop) -> None:
    shop.ensure(stack)
    stack.state.record("cluster", Record(KIND, "a", "id-of-old"))

    shop.ensure(again(stack))

    assert recorded(stack.state) == [(KIND, "a", "id-a")]


def test_one_look_serves_all_things_of_a_kind(stack: Stack, shop: Shop) -> None:
    shop.things = {"a": Existing("a", "id-a"), "b": Existing("b", "id-b")}

    shop.ensure(stack)
    stack.ensure(KIND, "b", survey=shop.survey, create=shop.create)

    assert shop.done == ["look"]


def test_a_survey_looks_at_all_kinds_and_refuses_a_state_file_of_another_account(stack: Stack, shop: Shop) -> None:
    module: Any = SimpleNamespace(KIND=KIND, survey=shop.survey)
    stack.state.document.belongs_to("999999999999", "us-east-1")

    with pytest.raises(StateInvalid, match="belongs to account 999999999999"):
        stack.survey([module])

    assert shop.done == ["look"]


def test_names_and_tags_are_of_the_cluster(stack: Stack) -> None:
    assert stack.full_name("worker") == "hfecs-hyperflow-worker"
    assert stack.tags("worker") == {
        "hfecs:cluster": "hyperflow",
        "hfecs:stack": "cluster",
        "hfecs:name": "worker",
    }


def test_names_in_iam_tell_the_regions_of_a_cluster_apart(stack: Stack) -> None:
    assert stack.iam_name("worker") == "hfecs-hyperflow-us-east-1-worker"
    assert stack.iam_path == "/hfecs/hyperflow/"


def test_a_stack_owns_what_carries_its_tags_whatever_else_it_carries(stack: Stack) -> None:
    mine = stack.tags("worker") | {"team": "astronomy"}

    assert stack.owns(mine)
    assert not stack.owns(mine | {"hfecs:stack": "run"})
    assert not stack.owns(mine | {"hfecs:cluster": "another"})
    assert not stack.owns({})


def test_a_token_stays_until_the_thing_is_torn_down(stack: Stack) -> None:
    token = stack.token("instance", "master")
    stack.state.record("cluster", Record("instance", "master", "i-1"))
    assert again(stack, state=State.load(stack.state.document.path)).token("instance", "master") == token

    stack.state.forget("cluster", Record("instance", "master", "i-1"))

    assert stack.token("instance", "master") != token


def test_tokens_differ_by_name_and_state_file_and_fit_into_a_request(stack: Stack, tmp_path: Any) -> None:
    elsewhere = again(stack, state=State.load(tmp_path / "another"))
    tokens = {stack.token("instance", "a"), stack.token("instance", "b"), elsewhere.token("instance", "a")}

    assert len(tokens) == 3
    assert all(len(token) == 32 for token in tokens)


def test_a_digest_does_not_depend_on_the_order_of_keys() -> None:
    assert digest({"a": 1, "b": [2]}) == digest({"b": [2], "a": 1})
    assert digest({"a": 1}) != digest({"a": 2})
