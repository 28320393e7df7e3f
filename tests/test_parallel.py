from __future__ import annotations

import threading

import pytest

from hfecs.parallel import in_turn, together


def test_results_come_in_the_order_of_the_calls() -> None:
    first_may_end = threading.Event()

    def last() -> str:
        first_may_end.set()
        return "last"

    results = together(lambda: first_may_end.wait(5) and "first", last)

    assert results == ["first", "last"]


def test_no_call_has_no_result() -> None:
    assert together() == []


def test_a_single_call_runs_in_the_thread_of_the_caller() -> None:
    assert together(threading.current_thread) == [threading.current_thread()]


def test_as_many_calls_as_allowed_run_at_once() -> None:
    everybody = threading.Barrier(32, timeout=5)

    together(*[everybody.wait] * 32)

    assert not everybody.broken


def test_one_error_is_raised_as_it_is() -> None:
    error = KeyError("lost")

    def fail() -> None:
        raise error

    with pytest.raises(KeyError) as raised:
        together(fail, lambda: 1)

    assert raised.value is error


def test_several_errors_are_raised_as_a_group_in_order() -> None:
    def fail(error: Exception) -> None:
        raise error

    errors = [KeyError("a"), ValueError("b")]

    with pytest.raises(ExceptionGroup) as raised:
        together(lambda: fail(errors[0]), lambda: 1, lambda: fail(errors[1]))

    assert list(raised.value.exceptions) == errors


def test_all_calls_end_before_the_error_is_raised() -> None:
    failed, ended = threading.Event(), []

    def fail() -> None:
        failed.set()
        raise KeyError

    def slow() -> None:
        failed.wait(5)
        ended.append("slow")

    with pytest.raises(KeyError):
        together(fail, slow)

    assert ended == ["slow"]


def test_calls_in_turn_all_run_and_what_failed_is_raised_at_the_end() -> None:
    done: list[str] = []

    with pytest.raises(ExceptionGroup) as raised:
        in_turn(lambda: done.append("first"), lambda: 1 // 0, lambda: done.append("last"))

    assert done == ["first", "last"]
    assert [type(error) for error in raised.value.exceptions] == [ZeroDivisionError]
