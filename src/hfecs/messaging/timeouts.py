"""Daemon threads that do calls: an agent that stops need not wait for a slow transfer.

For a call that may never return: a thread makes it, the caller waits for a limited time, then abandons the thread.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future
from queue import SimpleQueue
from typing import TypeVar

T = TypeVar("T")


class Threads:
    """A pool of this many threads, started with the first call; each is named by its number, from 1."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._work: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._started = False

    def submit(self, call: Callable[[], T]) -> Future[T]:
        """Have one of the threads make the call; the future holds its result or exception."""
        future: Future[T] = Future()
        self._work.put(lambda: _fulfil(future, call))
        with self._lock:
            if not self._started:
                self._started = True
                for number in range(1, self._count + 1):
                    threading.Thread(target=self._run, name=str(number), daemon=True).start()
        return future

    def end(self) -> None:
        """End the threads after their current calls, without waiting for them."""
        for _ in range(self._count):
            self._work.put(None)

    def _run(self) -> None:
        while work := self._work.get():
            work()


def call_with_timeout(call: Callable[[], T], within: float) -> T:
    """The result of the call; TimeoutError if it has not returned after this many seconds."""
    threads = Threads(1)
    try:
        return threads.submit(call).result(within)
    finally:
        threads.end()


def iterate_with_timeout(source: Generator[T, None, None], silence: float) -> Iterator[T]:
    """The items of a generator that runs in its own thread; TimeoutError after this many seconds without one."""
    threads = Threads(1)
    try:
        while found := threads.submit(lambda: list(_first(source))).result(silence):
            yield found[0]
    finally:
        threads.submit(source.close)
        threads.end()


def _first(source: Iterator[T]) -> Iterator[T]:
    for item in source:
        yield item
        return


def _fulfil(future: Future[T], call: Callable[[], T]) -> None:
    try:
        result = call()
    except BaseException as error:  # re-raised by whoever waits for the future, as in the standard library
        future.set_exception(error)
    else:
        future.set_result(result)
