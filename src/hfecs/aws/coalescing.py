"""Coalesce identical concurrent AWS calls into one request.

A cluster's stacks read the same lists, each for its own part of them: surveyed in parallel, they share the calls.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from copy import deepcopy
from typing import Any

# Read-only operations.
READING = ("Describe", "Get", "List", "Head")
# Where a call keeps the answer that it owes to the others.
OWED = "hfecs-owed"

Answer = tuple[Any, dict[str, Any]]


class Coalescing:
    """Keeps AWS's answers, including pending ones, while `once` lasts."""

    def __init__(self) -> None:
        self._answers: dict[str, Future[Answer]] | None = None
        self._asking = threading.Lock()

    def listen(self, client: Any) -> None:
        """Intercept a client's calls; answers are kept as received, before botocore parses them."""
        service = client.meta.service_model.service_id.hyphenize()
        client.meta.events.register("before-call", self._before)
        client.meta.events.register_first(f"after-call.{service}", self._after)
        client.meta.events.register("after-call-error", self._failed)

    @contextmanager
    def once(self) -> Iterator[None]:
        """Send each identical call once while this lasts; later calls are sent again."""
        self._answers = {}
        try:
            yield
        finally:
            self._answers = None

    def _before(self, model: Any, params: dict[str, Any], context: dict[str, Any], **_: Any) -> Answer | None:
        """Return the answer that another call has or will have; the first caller sends the call and owes the answer."""
        if not model.name.startswith(READING) or model.has_streaming_output:
            return None
        question = repr((model.service_model.service_name, model.name, params["url"], params["body"]))
        with self._asking:
            if self._answers is None:
                return None
            known = self._answers.get(question)
            if known is None:
                self._answers[question] = context[OWED] = Future()
                return None
        response, parsed = known.result()
        return response, deepcopy(parsed)

    def _after(self, http_response: Any, parsed: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
        if owed := context.pop(OWED, None):
            owed.set_result((http_response, deepcopy(parsed)))

    def _failed(self, exception: Exception, context: dict[str, Any], **_: Any) -> None:
        if owed := context.pop(OWED, None):
            owed.set_exception(exception)
