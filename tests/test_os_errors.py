from __future__ import annotations

import errno
import os
import socket
from pathlib import Path

import pytest

from hfecs.errors import Failed, Misused
from hfecs.os_errors import EXHAUSTED, explain


def test_a_path_that_cannot_be_used_is_misuse_and_named(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()

    with pytest.raises(OSError) as raised:
        (file / "below").mkdir()
    told = explain(raised.value)

    assert isinstance(told, Misused)
    assert told.message == f"{file / 'below'} cannot be used: Not a directory."
    assert told.hint


@pytest.mark.parametrize("number", EXHAUSTED)
def test_what_the_system_has_no_more_of_is_a_failure_with_the_way_out(number: int) -> None:
    named, nameless = OSError(number, os.strerror(number), "/some/file"), OSError(number, os.strerror(number))

    for error, beginning in ((named, "/some/file cannot"), (nameless, "A file cannot")):
        told = explain(error)
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
    told = explain(error)

    assert isinstance(told, Failed)
    assert told.message.startswith("Another machine cannot be reached: ")


@pytest.mark.parametrize("bug", [KeyError("x"), OSError(errno.EBADF, "Bad file descriptor"), OSError("odd")], ids=repr)
def test_a_bug_stays_a_bug(bug: Exception) -> None:
    assert explain(bug) is None
