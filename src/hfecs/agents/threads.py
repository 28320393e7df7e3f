"""Daemon threads that work on what is handed to them: an agent that stops need not wait for a slow transfer."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import TypeVar

T = TypeVar("T")


class Threads:
    """So many threads, started with the first piece of work; each is named by its number, from 1."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._work: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._lock = threading.Lock()
        self._started = False

    def submit(self, call: Callable[[], T]) -> Future[T]:
        """Have one of the threads make the call; the future holds what it returns or raises."""
        future: Future[T] = Future()
        self._work.put(lambda: _fulfil(future, call))
        with self._lock:
            if not self._started:
                self._started = True
                for number in range(1, self._count + 1):
                    threading.Thread(target=self._run, name=str(number), daemon=True).start()
        return future

    def _run(self) -> None:
        while True:
            self._work.get()()


def _fulfil(future: Future[T], call: Callable[[], T]) -> None:
    try:
        result = call()
    except BaseException as error:  # belongs to who waits for the future, as in the standard library
        future.set_exception(error)
    else:
        future.set_result(result)
