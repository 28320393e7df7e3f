"""Calls to AWS as the server saw them: which operation, from when to when, and what follows from that."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs

READING = ("Describe", "Get", "List", "Head")


@dataclass(frozen=True)
class Call:
    """One call; `start` and `end` are seconds of the machine's monotonic clock, equal in all its processes."""

    service: str
    operation: str
    start: float
    end: float
    status: int

    @property
    def changing(self) -> bool:
        """Whether the call changes something: its name does not begin with Describe, Get, List or Head."""
        return not self.operation.startswith(READING)

    @property
    def name(self) -> str:
        """Service and operation, as in `ecs CreateCluster`."""
        return f"{self.service} {self.operation}"


def longest_chain(calls: Iterable[Call]) -> list[Call]:
    """Return as many calls as can be chosen so that no two overlap in time, in their order.

    Taking the call that ends first, again and again, gives the greatest number (interval scheduling). Calls that wait
    for each other never overlap, so no real chain is longer; calls that merely follow each other count as well.
    """
    chain: list[Call] = []
    for call in sorted(calls, key=lambda call: call.end):
        if not chain or call.start >= chain[-1].end:
            chain.append(call)
    return chain


def seconds_without_calls(calls: Iterable[Call], start: float, end: float) -> float:
    """Return for how many seconds between start and end no call was under way: the client's own time."""
    idle, busy_until = 0.0, start
    for call in sorted(calls, key=lambda call: call.start):
        idle += max(0.0, call.start - busy_until)
        busy_until = max(busy_until, call.end)
    return idle + max(0.0, end - busy_until)


def by_operation(calls: Iterable[Call]) -> list[tuple[str, int, int]]:
    """Return (name, calls, calls answered with an error) for each operation, the most frequent first."""
    calls = list(calls)
    refused = Counter(call.name for call in calls if call.status >= 400)
    return [(name, number, refused[name]) for name, number in Counter(call.name for call in calls).most_common()]


def read(log: Path, start: float, end: float) -> list[Call]:
    """Return the calls of a log that began between start and end, in the order in which they began."""
    calls = (Call(**json.loads(line)) for line in log.read_text().splitlines())
    return sorted((call for call in calls if start <= call.start <= end), key=lambda call: call.start)


def service_of(environ: Mapping[str, str]) -> str:
    """Return the service that a request is signed for, or `unsigned`."""
    scope = re.search(r"Credential=[^/]+/\d+/[^/]+/([^/]+)/", environ.get("HTTP_AUTHORIZATION", ""))
    return scope.group(1) if scope else "unsigned"


def operation_of(environ: Mapping[str, str], body: bytes) -> str:
    """Return the operation that a request asks for, as AWS names it; for S3 as in `Put bucket?policy`."""
    if target := environ.get("HTTP_X_AMZ_TARGET"):
        return target.rpartition(".")[2]
    path = environ["PATH_INFO"]
    if "/operation/" in path:
        return path.rpartition("/")[2]
    if environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded"):
        return parse_qs(body.decode()).get("Action", ["unknown"])[0]
    return _s3_operation(environ["REQUEST_METHOD"], path, environ.get("QUERY_STRING", ""))


def _s3_operation(method: str, path: str, query: str) -> str:
    bucket, _, key = path.strip("/").partition("/")
    what = "object" if key else "bucket" if bucket else "buckets"
    part = query.partition("&")[0].partition("=")[0]
    return f"{method.capitalize()} {what}" + (f"?{part}" if part else "")
