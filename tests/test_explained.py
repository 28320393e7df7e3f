"""Errors of every origin, as sentences and as one exit code."""

from __future__ import annotations

import errno
import os
import socket
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, NoRegionError

from hfecs.errors import AwsFailed, Failed, Misused, NotOurs
from hfecs.explained import EXHAUSTED, exit_code, explain_os_error, explained


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


def test_a_path_that_cannot_be_used_is_misuse_and_named(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()

    with pytest.raises(OSError) as raised:
        (file / "below").mkdir()
    told = explain_os_error(raised.value)

    assert isinstance(told, Misused)
    assert told.message == f"{file / 'below'} cannot be used: Not a directory."
    assert told.hint


@pytest.mark.parametrize("number", EXHAUSTED)
def test_what_the_system_has_no_more_of_is_a_failure_with_the_way_out(number: int) -> None:
    named, nameless = OSError(number, os.strerror(number), "/some/file"), OSError(number, os.strerror(number))

    for error, beginning in ((named, "/some/file cannot"), (nameless, "A file cannot")):
        told = explain_os_error(error)
        assert isinstance(told, Failed)
        assert told.message.startswith(beginning)
        assert told.hint == EXHAUSTED[number]


@pytest.mark.parametrize(
    "error",
    [
        ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused"),
        socket.gaierror(-2, "Name not known"),
        TimeoutError(),
    ],
    ids=repr,
)
def test_a_machine_that_cannot_be_reached_is_a_failure(error: OSError) -> None:
    told = explain_os_error(error)

    assert isinstance(told, Failed)
    assert told.message.startswith("Another machine cannot be reached: ")


@pytest.mark.parametrize("bug", [KeyError("x"), OSError(errno.EBADF, "Bad file descriptor"), OSError("odd")], ids=repr)
def test_a_bug_stays_a_bug(bug: Exception) -> None:
    assert explain_os_error(bug) is None
