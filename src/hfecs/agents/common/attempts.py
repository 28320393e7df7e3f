"""Calls to services that may be unreachable: logged once, and once more when they are back."""

from __future__ import annotations

import logging
from collections.abc import Callable
from http.client import HTTPException
from typing import TypeVar

log = logging.getLogger(__name__)

T = TypeVar("T")


class Attempts:
    """Makes calls that may fail, each to a service with a name in the log."""

    def __init__(self) -> None:
        self._away: set[str] = set()

    def make(self, whom: str, call: Callable[[], T]) -> T | None:
        """The result of the call; None if the service is unreachable, or AWS refuses."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            result = call()
        except (OSError, ValueError, HTTPException, BotoCoreError, ClientError) as error:
            if whom not in self._away:
                log.warning("cannot reach %s: %s", whom, error)
            self._away.add(whom)
            return None
        if whom in self._away:
            log.info("%s is back", whom)
        self._away.discard(whom)
        return result
