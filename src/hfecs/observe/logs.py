"""What containers printed, from CloudWatch Logs, and what machines wrote to their console while they booted."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from hfecs.aws.errors import ignoring
from hfecs.aws.tags import NAME_TAG, tags_of
from hfecs.console import harmless
from hfecs.errors import Misused
from hfecs.provisioning.stack import Stack
from hfecs.resources import instance, log_group

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
    return f"{when} {container}/{task[-6:]} {harmless(event['message'])}"


def console_output(stack: Stack, wanted: str) -> list[str]:
    """The lines of the console of the newest machine of that name or id; none if EC2 has none yet.

    EC2 keeps the last 64 KiB, and has them some minutes after the boot; `Latest`, for a fresh look, works on Nitro
    types only, and is not asked for.
    """
    machine = _machine(stack, wanted)
    text = stack.cloud.ec2.get_console_output(InstanceId=machine["InstanceId"]).get("Output", "")
    return list(_plain(text))


def _machine(stack: Stack, wanted: str) -> Any:
    machines = instance.of_cluster(stack)
    names = {machine["InstanceId"]: tags_of(machine.get("Tags")).get(NAME_TAG, "") for machine in machines}
    fitting = [machine for machine in machines if wanted in (machine["InstanceId"], names[machine["InstanceId"]])]
    if not fitting:
        known = ", ".join(sorted({*names.values()})) or "none"
        raise Misused(f"Cluster {stack.cluster} has no machine {wanted}.", hint=f"its machines: {known}; or give an id")
    return max(fitting, key=lambda machine: machine["LaunchTime"])


def _plain(text: str) -> Iterator[str]:
    """The text as lines, without the codes for a terminal; botocore has decoded EC2's base64."""
    for line in text.splitlines():
        yield harmless(line).rstrip()
