"""The job queue, as reported by the broker's management API."""

from __future__ import annotations

import json
from base64 import b64encode
from dataclasses import dataclass
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import Request, urlopen

from hfecs.aws import cloudwatch

ANSWER_SECONDS = 5.0
NOT_FOUND = 404


@dataclass(frozen=True)
class QueueNumbers:
    """The contents of a queue: waiting messages, messages held by workers, and the number of workers."""

    ready: int = 0
    in_flight: int = 0
    consumers: int = 0

    @classmethod
    def from_management(cls, queue: dict[str, Any]) -> QueueNumbers:
        """Parse the management API's description of a queue, which has no numbers until they are first collected."""
        ready, in_flight, consumers = (
            queue.get(name) or 0 for name in ("messages_ready", "messages_unacknowledged", "consumers")
        )
        return cls(ready, in_flight, consumers)

    @property
    def backlog(self) -> int:
        """The jobs that are not done: waiting or held."""
        return self.ready + self.in_flight

    def metrics(self) -> dict[str, float]:
        """The values of CloudWatch's metrics by name; without workers the whole backlog counts for one."""
        return {
            cloudwatch.QUEUE_LENGTH: self.ready,
            cloudwatch.JOBS_IN_FLIGHT: self.in_flight,
            cloudwatch.BACKLOG: self.backlog,
            cloudwatch.CONSUMERS: self.consumers,
            cloudwatch.BACKLOG_PER_WORKER: self.backlog / max(1, self.consumers),
        }


@dataclass(frozen=True)
class Management:
    """The management API's URL, the broker's account and its virtual host."""

    url: str
    user: str
    password: str
    virtual_host: str = "/"

    def read(self, queue: str) -> QueueNumbers:
        """The numbers of a queue, zeros until it is declared; OSError or ValueError without a valid answer."""
        address = f"{self.url}/api/queues/{quote(self.virtual_host, safe='')}/{quote(queue, safe='')}"
        account = b64encode(f"{self.user}:{self.password}".encode()).decode()
        request = Request(address, headers={"Authorization": f"Basic {account}"})
        try:
            with urlopen(request, timeout=ANSWER_SECONDS) as answer:
                return QueueNumbers.from_management(json.load(answer))
        except HTTPError as error:
            if error.code == NOT_FOUND:
                return QueueNumbers()
            raise
