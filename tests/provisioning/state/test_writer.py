from __future__ import annotations

import threading

import pytest

from hfecs.errors import Locked
from hfecs.provisioning.state.writer import Writer


def test_contents_that_come_while_it_writes_are_one_write_with_the_last() -> None:
    written: list[bytes] = []
    begun, go_on = threading.Event(), threading.Event()

    def write(content: bytes) -> None:
        begun.set()
        go_on.wait(10)
        written.append(content)

    writer = Writer(write)
    first = writer.submit(b"1")
    begun.wait(10)
    others = [writer.submit(str(number).encode()) for number in range(2, 9)]
    go_on.set()
    first.result(10)
    for future in others:
        future.result(10)

    assert written == [b"1", b"8"]


def test_after_a_write_that_failed_nothing_is_written_and_all_hear_of_it() -> None:
    written: list[bytes] = []

    def write(content: bytes) -> None:
        written.append(content)
        raise Locked("It is somebody else's.")

    writer = Writer(write)
    with pytest.raises(Locked):
        writer.submit(b"1").result(10)

    with pytest.raises(Locked):
        writer.submit(b"2").result(10)
    with pytest.raises(Locked):
        writer.finish()
    assert written == [b"1"]


def test_the_end_waits_for_the_last_write() -> None:
    written: list[bytes] = []
    writer = Writer(written.append)

    writer.submit(b"1")
    writer.finish()

    assert written == [b"1"]
