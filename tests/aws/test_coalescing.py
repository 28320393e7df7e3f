from __future__ import annotations

import threading
from typing import Any

import pytest
from botocore.exceptions import ClientError

from hfecs.aws.coalescing import Coalescing
from hfecs.parallel import together
from support import WatchedCloud


@pytest.fixture
def asked() -> WatchedCloud:
    return WatchedCloud()


@pytest.fixture
def sent(asked: WatchedCloud) -> list[str]:
    """The operations that travelled, as they go."""
    operations: list[str] = []
    asked.iam.meta.events.register_first(
        "before-send", lambda event_name, **_: operations.append(event_name.rpartition(".")[2])
    )
    return operations


def test_the_same_question_of_several_travels_once(asked: WatchedCloud, sent: list[str], aws: None) -> None:
    with asked.coalescing.once():
        answers: list[Any] = together(*[lambda: asked.iam.list_roles(PathPrefix="/a/")] * 8)

    assert sent == ["ListRoles"]
    assert all(answer["Roles"] == [] for answer in answers)


def test_another_question_travels_by_itself(asked: WatchedCloud, sent: list[str], aws: None) -> None:
    with asked.coalescing.once():
        asked.iam.list_roles(PathPrefix="/a/")
        asked.iam.list_roles(PathPrefix="/b/")

    assert sent == ["ListRoles"] * 2


def test_a_policy_in_a_shared_answer_is_decoded_for_each(asked: WatchedCloud, aws: None) -> None:
    asked.iam.create_role(RoleName="a", AssumeRolePolicyDocument='{"Version": "2012-10-17"}')

    with asked.coalescing.once():
        first, second = (dict[str, Any](asked.iam.get_role(RoleName="a")["Role"]) for _ in range(2))

    assert first["AssumeRolePolicyDocument"] == second["AssumeRolePolicyDocument"] == {"Version": "2012-10-17"}
    assert first is not second


def test_what_answers_with_an_error_does_so_for_each(asked: WatchedCloud, sent: list[str], aws: None) -> None:
    with asked.coalescing.once():
        for _ in range(2):
            with pytest.raises(ClientError, match="NoSuchEntity"):
                asked.iam.get_role(RoleName="nobody")

    assert sent == ["GetRole"]


def test_what_is_asked_afterwards_sees_the_world_as_it_is_then(asked: WatchedCloud, aws: None) -> None:
    with asked.coalescing.once():
        asked.iam.list_roles()
    asked.iam.create_role(RoleName="late", AssumeRolePolicyDocument="{}")

    with asked.coalescing.once():
        roles = asked.iam.list_roles()["Roles"]

    assert [role["RoleName"] for role in roles] == ["late"]


def test_a_call_that_changes_something_is_never_shared(asked: WatchedCloud, aws: None) -> None:
    with asked.coalescing.once():
        asked.ec2.create_key_pair(KeyName="a")
        with pytest.raises(ClientError, match="Duplicate"):
            asked.ec2.create_key_pair(KeyName="a")


def test_a_call_that_never_gets_an_answer_fails_for_all_who_wait_for_it() -> None:
    coalescing, context = Coalescing(), dict[str, Any]()
    question: dict[str, Any] = {"model": _Model(), "params": {"url": "/", "body": ""}}
    waiting: list[BaseException | None] = []

    def wait() -> None:
        try:
            coalescing._before(**question, context={})
        except ConnectionError as error:
            waiting.append(error)

    with coalescing.once():
        coalescing._before(**question, context=context)
        other = threading.Thread(target=wait)
        other.start()
        coalescing._failed(ConnectionError("cut"), context)
        other.join(10)

    assert [str(error) for error in waiting] == ["cut"]


class _Model:
    """What the hooks read of a botocore model."""

    name, has_streaming_output = "ListThings", False
    service_model = type("Service", (), {"service_name": "things"})
