"""Errors of every origin, as sentences and as one exit code."""

from __future__ import annotations

import errno
from typing import Any

import pytest
from botocore.exceptions import ClientError, NoRegionError

from hfecs.errors import AwsFailed, Failed, Misused, NotOurs
from hfecs.explained import exit_code, explained


def aws_error(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "CreateRole")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (NotOurs("x"), 3),
        (aws_error("AccessDenied"), 1),
        (NoRegionError(), 2),
        (OSError(errno.ENOSPC, "No space left on device"), 1),
        (ExceptionGroup("", [aws_error("A"), ExceptionGroup("", [Misused("y"), NoRegionError()])]), 2),
    ],
    ids=repr,
)
def test_the_exit_code_is_the_greatest_of_all_errors(error: Exception, code: int) -> None:
    assert exit_code(explained(error)) == code


def test_the_same_sentence_is_told_once() -> None:
    group: Any = ExceptionGroup("", [AwsFailed("a"), ExceptionGroup("", [AwsFailed("b"), AwsFailed("a")])])

    assert [error.message for error in explained(group)] == ["a", "b"]


@pytest.mark.parametrize("bug", [KeyError("x"), ExceptionGroup("", [Failed("x"), KeyError("x")])], ids=repr)
def test_a_bug_among_them_is_not_explained_away(bug: Exception) -> None:
    assert explained(bug) == []


def test_no_errors_are_a_success() -> None:
    assert exit_code([]) == 0
