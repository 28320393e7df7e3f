"""The containers' output, as stored in CloudWatch Logs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from hfecs.aws.errors import ignoring
from hfecs.provisioning.stack import Stack
from hfecs.resources import log_group

POLL_SECONDS = 2.0


def lines(stack: Stack, part: str | None, *, minutes: int, follow: bool) -> Iterator[str]:
    """Yield the lines of the last `minutes` minutes of one part or all; then, if requested, new ones as they come."""
    start = int((time.time() - 60 * minutes) * 1000)
    seen: set[str] = set()
    while True:
        for event in _events(stack, part, start):
            if event["eventId"] not in seen:
                seen.add(event["eventId"])
                start = max(start, event["timestamp"])
                yield _line(event)
        if not follow:
            return
        stack.wait.pause(POLL_SECONDS)


def _events(stack: Stack, part: str | None, start: int) -> Iterator[Any]:
    arguments: Any = {"logStreamNamePrefix": f"{part}/"} if part else {}
    with ignoring("ResourceNotFoundException"):
        pages = stack.cloud.logs.get_paginator("filter_log_events").paginate(
            logGroupName=log_group.full_name(stack), startTime=start, **arguments
        )
        for page in pages:
            # moto ignores the prefix.
            yield from (event for event in page["events"] if event["logStreamName"].startswith(f"{part or ''}"))


def _line(event: Any) -> str:
    """A stream is named part/container/task."""
    when = datetime.fromtimestamp(event["timestamp"] / 1000).strftime("%H:%M:%S")
    _, container, task = event["logStreamName"].split("/", 2)
    return f"{when} {container}/{task[-6:]} {event['message']}"
