"""Threads that work on what is handed to them."""

from __future__ import annotations

import threading
from collections.abc import Generator

import pytest

from hfecs.messaging.timeouts import Threads, call_with_timeout, iterate_with_timeout


def test_so_many_calls_run_side_by_side() -> None:
    together = threading.Barrier(3)
    threads = Threads(3)

    futures = [threads.submit(lambda: together.wait(10)) for _ in range(3)]

    assert sorted(future.result(10) for future in futures) == [0, 1, 2]


def test_threads_are_named_by_their_numbers() -> None:
    assert Threads(1).submit(lambda: threading.current_thread().name).result(10) == "1"


def test_an_error_belongs_to_who_waits_and_the_thread_works_on() -> None:
    threads = Threads(1)

    failed = threads.submit(lambda: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        failed.result(10)
    assert threads.submit(lambda: "alive").result(10) == "alive"


def test_a_call_that_comes_back_in_time_is_answered() -> None:
    assert call_with_timeout(lambda: "here", 10) == "here"
    with pytest.raises(ZeroDivisionError):
        call_with_timeout(lambda: 1 / 0, 10)


def test_a_call_that_does_not_come_back_is_left_to_its_thread() -> None:
    may_end = threading.Event()

    with pytest.raises(TimeoutError):
        call_with_timeout(may_end.wait, 0.01)

    may_end.set()


def test_what_a_generator_says_arrives_in_order_its_error_too() -> None:
    def speak() -> Generator[int, None, None]:
        yield from (0, 1, 2)
        raise LookupError

    heard = []
    with pytest.raises(LookupError):
        for item in iterate_with_timeout(speak(), 10):
            heard.append(item)

    assert heard == [0, 1, 2]
    assert list(iterate_with_timeout((item for item in [None, 0]), 10)) == [None, 0]


def test_a_generator_that_falls_silent_is_left() -> None:
    may_end = threading.Event()

    def speak() -> Generator[int, None, None]:
        yield 1
        may_end.wait()

    heard = []
    with pytest.raises(TimeoutError):
        for item in iterate_with_timeout(speak(), 0.01):
            heard.append(item)

    may_end.set()
    assert heard == [1]


def test_a_generator_that_nobody_listens_to_any_more_is_closed() -> None:
    closed = threading.Event()

    def speak() -> Generator[int, None, None]:
        try:
            while True:
                yield 1
        finally:
            closed.set()

    listening = iterate_with_timeout(speak(), 10)
    next(iter(listening))
    listening.close()  # type: ignore[attr-defined]

    assert closed.wait(10)


def test_threads_end_after_the_work_that_they_have() -> None:
    threads = Threads(2)
    workers = [threads.submit(threading.current_thread).result(10)]

    threads.end()

    workers[0].join(10)
    assert not workers[0].is_alive()
