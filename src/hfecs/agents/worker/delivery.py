"""A message of the queue of jobs, as it is in an executor's hands."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, field

from pika.spec import Basic, BasicProperties

from hfecs.agents.worker.cancellation import Cancellation
from hfecs.agents.worker.delivery_history import DeliveryHistory
from hfecs.messaging import messages


@dataclass(eq=False)
class Delivery:
    """A message that is not settled yet: neither acknowledged nor put back into the queue.

    `answered`: its reply is on its way.
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
        """What the broker has just delivered."""
        return cls(method.delivery_tag or 0, bool(method.redelivered), properties, body, DeliveryHistory.of(properties))

    @property
    def reply_to(self) -> str:
        """The queue for the reply; empty if the message names none, or one that is not in UTF-8."""
        return self.properties.reply_to if isinstance(self.properties.reply_to, str) else ""

    @property
    def job(self) -> str:
        """What the job is called by those who wait for its reply."""
        return self.properties.correlation_id or ""

    def next(self, delivery_history: DeliveryHistory) -> BasicProperties:
        """The properties of the copy that takes this message's place in the queue."""
        properties = copy(self.properties)
        properties.headers = {**(self.properties.headers or {}), **delivery_history.headers()}
        properties.delivery_mode = messages.PERSISTENT
        return properties
