"""A job's earlier deliveries, recorded in the headers of its message."""

from __future__ import annotations

from dataclasses import dataclass, replace

from pika.spec import BasicProperties

LOST = "hfecs-lost"
HANDED_BACK = "hfecs-handed-back"
WHY = "hfecs-why"

MOST = 1_000_000
"""Upper bound for counters from message headers: AMQP integers overflow, and a larger one would end the executor."""


@dataclass(frozen=True)
class DeliveryHistory:
    """How many deliveries were lost with their executor or connection, how many were returned, and the last reason.

    `sent` is when the engine sent the job, in seconds since 1970, if known.
    """

    lost: int = 0
    handed_back: int = 0
    why: str = ""
    sent: int | None = None

    @classmethod
    def of(cls, properties: BasicProperties) -> DeliveryHistory:
        """Read a message's headers; invalid values count as nothing."""
        headers = properties.headers or {}
        why = headers.get(WHY)
        told = why if isinstance(why, str) else ""
        return cls(_count(headers.get(LOST)), _count(headers.get(HANDED_BACK)), told, properties.timestamp)

    @property
    def attempts(self) -> int:
        """How often it was delivered before, as far as known."""
        return self.lost + self.handed_back

    def once_more_lost(self) -> DeliveryHistory:
        """The same after one more delivery that was lost."""
        return replace(self, lost=self.lost + 1, why="its executor, or the connection of its executor, was lost")

    def once_more_interrupted(self) -> DeliveryHistory:
        """The same after the executor that has it again lost its connection meanwhile."""
        return replace(self, handed_back=self.handed_back + 1, why="the connection to the broker was lost")

    def once_more_handed_back(self, executor: str) -> DeliveryHistory:
        """The same after an executor that had to stop returned it."""
        return replace(self, handed_back=self.handed_back + 1, why=f"{executor} had to stop and returned it")

    def headers(self) -> dict[str, str | int]:
        """The headers for the next delivery."""
        return {LOST: self.lost, HANDED_BACK: self.handed_back, WHY: self.why}


def _count(value: object) -> int:
    return min(value, MOST) if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0
