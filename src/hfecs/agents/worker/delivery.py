"""A message from the job queue, while an executor holds it."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, field

from pika.spec import Basic, BasicProperties

from hfecs.agents.worker.cancellation import Cancellation
from hfecs.agents.worker.delivery_history import DeliveryHistory
from hfecs.messaging import messages


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
