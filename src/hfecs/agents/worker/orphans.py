"""Running jobs whose engine has ended: nobody waits for them any more."""

from __future__ import annotations

from collections.abc import Callable, Set
from functools import partial

from pika.adapters.select_connection import IOLoop

from hfecs.agents.worker.channels import Queues
from hfecs.agents.worker.delivery import Delivery

ORPHANED_SECONDS = 5.0
"""Maximum time a job keeps running after its run has ended."""


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
