"""The same question to AWS, asked by several at a time, travels once.

The stacks of a cluster read the same lists, each for what is its own in them: looked at side by side, they share.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from copy import deepcopy
from typing import Any

# Operations that change nothing.
READING = ("Describe", "Get", "List", "Head")
# Where a call keeps the answer that it owes to the others.
OWED = "hfecs-owed"

Answer = tuple[Any, dict[str, Any]]


class Coalescing:
    """Keeps the answers of AWS, those under way too, while `once` lasts."""

    def __init__(self) -> None:
        self._answers: dict[str, Future[Answer]] | None = None
        self._asking = threading.Lock()

    def listen(self, client: Any) -> None:
        """Stand between a client and AWS; an answer is kept as it came, before botocore decodes what is in it."""
        service = client.meta.service_model.service_id.hyphenize()
        client.meta.events.register("before-call", self._before)
        client.meta.events.register_first(f"after-call.{service}", self._after)
        client.meta.events.register("after-call-error", self._failed)

    @contextmanager
    def once(self) -> Iterator[None]:
        """Ask each question once while this lasts; what is asked later sees the world as it is then."""
        self._answers = {}
        try:
            yield
        finally:
            self._answers = None

    def _before(self, model: Any, params: dict[str, Any], context: dict[str, Any], **_: Any) -> Answer | None:
        """Give the answer that another call has or will have; whoever asks first goes on, and owes it."""
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
