"""A message of the queue of jobs while an executor has it in hand, and its earlier deliveries.

The earlier deliveries are recorded in the headers of the message.

Orphans are messages in hand whose engine has ended: nobody waits for their replies, so they are dropped.
"""

from __future__ import annotations

from collections.abc import Callable, Set
from copy import copy
from dataclasses import dataclass, field, replace
from functools import partial

from pika.adapters.select_connection import IOLoop
from pika.spec import Basic, BasicProperties

from hfecs.agents.worker.cancellation import Cancellation
from hfecs.agents.worker.channels import Queues
from hfecs.messaging import messages

ORPHANED_SECONDS = 5.0
"""Maximum time a job keeps running after its run has ended."""

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


@dataclass(eq=False)
class Delivery:
    """A message that is not settled yet: neither acknowledged nor returned to the queue.

    `answered`: its reply is being sent.
    """

    tag: int
    redelivered: bool
    properties: BasicProperties
    body: bytes
    history: DeliveryHistory
    cancellation: Cancellation = field(default_factory=Cancellation)
    answered: bool = False

    @classmethod
    def of(cls, method: Basic.Deliver, properties: BasicProperties, body: bytes) -> Delivery:
        """A message that the broker has just delivered."""
        return cls(method.delivery_tag or 0, bool(method.redelivered), properties, body, DeliveryHistory.of(properties))

    @property
    def reply_to(self) -> str:
        """The reply queue; empty if the message names none, or one that is not UTF-8."""
        return self.properties.reply_to if isinstance(self.properties.reply_to, str) else ""

    @property
    def job(self) -> str:
        """The id by which those who wait for its reply know the job."""
        return self.properties.correlation_id or ""

    def next(self, delivery_history: DeliveryHistory) -> BasicProperties:
        """The properties of the copy that replaces this message in the queue."""
        properties = copy(self.properties)
        properties.headers = {**(self.properties.headers or {}), **delivery_history.headers()}
        properties.delivery_mode = messages.PERSISTENT
        return properties


class Orphans:
    """Passes the jobs whose reply queue is gone to `drop`."""

    def __init__(self, loop: IOLoop, queues: Queues, drop: Callable[[Delivery], None]) -> None:
        self._loop = loop
        self._queues = queues
        self._drop = drop

    def watch(self, wanted: Callable[[], bool], in_hand: Set[Delivery]) -> None:
        """Check the running jobs periodically, as long as requested."""
        self._loop.call_later(ORPHANED_SECONDS, partial(self._look, wanted, in_hand))

    def _look(self, wanted: Callable[[], bool], in_hand: Set[Delivery]) -> None:
        if not wanted():
            return
        for delivery in [one for one in in_hand if not one.answered]:
            self._queues.ask(delivery.reply_to, partial(self._answer, delivery, in_hand))
        self.watch(wanted, in_hand)

    def _answer(self, delivery: Delivery, in_hand: Set[Delivery], engine_is_there: bool) -> None:
        if delivery in in_hand and not delivery.answered and not engine_is_there:
            self._drop(delivery)


def _count(value: object) -> int:
    return min(value, MOST) if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0
