"""Run independent calls in parallel."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

SIDE_BY_SIDE = 32


def together(*calls: Callable[[], Any]) -> list[Any]:
    """Run independent calls in parallel and return their results in order.

    All calls finish before an error is raised: the error itself if one call failed, an ExceptionGroup if several did.
    """
    if len(calls) < 2:
        return [call() for call in calls]
    with ThreadPoolExecutor(max_workers=min(len(calls), SIDE_BY_SIDE)) as pool:
        futures: list[Future[Any]] = [pool.submit(call) for call in calls]
    errors = [error for future in futures if (error := future.exception())]
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise BaseExceptionGroup("several calls failed", errors)
    return [future.result() for future in futures]


def in_turn(*calls: Callable[[], Any]) -> None:
    """Run all calls in sequence; raise what failed at the end, in one ExceptionGroup."""
    errors: list[Exception] = []
    for call in calls:
        try:
            call()
        except Exception as error:  # whatever it is, the other calls must run; it is raised below
            errors.append(error)
    if errors:
        raise ExceptionGroup("several calls failed", errors)
