"""Threads that work on what is handed to them."""

from __future__ import annotations

import threading

import pytest

from hfecs.agents.threads import Threads


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
