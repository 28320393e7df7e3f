"""Take jobs from the queue: each is acknowledged once the broker has its reply, or its copy."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial

from pika.channel import Channel
from pika.exchange_type import ExchangeType
from pika.spec import Basic, BasicProperties

from hfecs.agents.worker.cancellation import Cancellation
from hfecs.agents.worker.channels import Publisher, Queues
from hfecs.agents.worker.connection import Connection, WholeMessages
from hfecs.agents.worker.delivery import Delivery, DeliveryHistory, Orphans
from hfecs.agents.worker.event_publisher import EventPublisher
from hfecs.agents.worker.job import Job, parse
from hfecs.agents.worker.reply import FAILED, Reply
from hfecs.agents.worker.settings import Settings
from hfecs.agents.worker.watchdog import Watchdog
from hfecs.errors import WorkflowInvalid
from hfecs.messaging import messages
from hfecs.messaging.timeouts import Threads

log = logging.getLogger(__name__)

CONFIRM_SECONDS = 3.0
"""How long the broker may take to confirm the last replies and copies; unconfirmed jobs may run twice."""

Perform = Callable[[Job, DeliveryHistory, Cancellation], Reply]


class Consumer:
    """Runs the jobs of the queue; apart from `perform`, everything happens in the connection's thread."""

    def __init__(self, settings: Settings, connection: Connection, perform: Perform, events: EventPublisher) -> None:
        self._settings = settings
        self._connection = connection
        self._perform = perform
        self._events = events
        self._slots = Threads(settings.threads)
        self._in_hand: set[Delivery] = set()
        self._channel: Channel | None = None
        self._stopping = False
        self._interrupted: set[str] = set()
        self.working: set[Future[Reply]] = set()

    def opened(self, connection: WholeMessages) -> None:
        """Declare what is needed and take as many jobs as there are slots."""
        self._watchdog = Watchdog(connection)
        self._publisher = Publisher(connection, self._watchdog)
        self._queues = Queues(connection, self._watchdog)
        connection.channel(on_open_callback=self._channel_opened)

    def _channel_opened(self, channel: Channel) -> None:
        self._channel = self._events.channel = channel
        channel.add_on_close_callback(self._channel_closed)
        channel.add_on_cancel_callback(lambda _: self._queue_deleted(channel))
        channel.exchange_declare(messages.EVENTS_EXCHANGE, ExchangeType("topic"), durable=True)
        self._queues.ask(self._settings.queue, partial(self._consume, channel))

    def _consume(self, channel: Channel, exists: bool) -> None:
        """Take jobs from the queue: an existing one is fine, however it was declared."""
        if not exists:
            channel.queue_declare(self._settings.queue, durable=True)
        channel.basic_qos(prefetch_count=self._settings.threads)
        Orphans(self._connection.loop, self._queues, self._drop).watch(lambda: self._channel is channel, self._in_hand)
        if not self._stopping:
            self._watchdog.expect("consumer")
            self._consumer_tag = channel.basic_consume(
                self._settings.queue, self._received, callback=lambda _: self._watchdog.came("consumer")
            )
            self._events.put(messages.event(self._settings.name, messages.EXECUTOR_READY))

    def _drop(self, delivery: Delivery) -> None:
        log.info("ended job %s: its engine is gone", delivery.job)
        delivery.cancellation.cancel()
        self._settle(delivery)

    def _queue_deleted(self, channel: Channel) -> None:
        log.warning("somebody has deleted the queue %s, creating it again", self._settings.queue)
        channel.connection.close()

    def _channel_closed(self, channel: Channel, reason: Exception) -> None:
        if channel.connection.is_open:
            log.warning("the broker closed the channel: %s", reason)
            channel.connection.close()

    def lost(self) -> None:
        """Drop the jobs in progress: the broker redelivers them, to us or to others."""
        self._interrupted = {delivery.job for delivery in self._in_hand}
        for delivery in self._in_hand:
            delivery.cancellation.cancel()
        self._in_hand.clear()
        self._channel = self._events.channel = None
        self._leave_if_done()

    def _received(self, _: Channel, method: Basic.Deliver, properties: BasicProperties, body: bytes) -> None:
        delivery = Delivery.of(method, properties, body)
        self._in_hand.add(delivery)
        if self._stopping:
            self._hand_back(delivery)
        elif delivery.reply_to:
            self._queues.ask(delivery.reply_to, partial(self._take, delivery))
        else:
            log.warning("dropped a message without a reply queue: %.200r", body)
            self._settle(delivery)

    def _take(self, delivery: Delivery, engine_is_there: bool) -> None:
        if delivery not in self._in_hand or delivery.cancellation.is_set():
            return
        if not engine_is_there:
            log.info("dropped job %s: its engine is gone", delivery.job)
            self._settle(delivery)
        elif delivery.redelivered and delivery.job not in self._interrupted:
            # A classic queue does not count deliveries: instead a copy with a counter replaces the message.
            self._replace(delivery, delivery.history.once_more_lost())
        else:
            self._start(delivery)

    def _start(self, delivery: Delivery) -> None:
        delivery_history = delivery.history.once_more_interrupted() if delivery.redelivered else delivery.history
        try:
            job = parse(delivery.body, self._settings.storage, self._settings.nfs)
        except WorkflowInvalid as error:
            log.warning("refused job %s: %s", delivery.job, error)
            self._reply(delivery, Reply(FAILED, exceptions=(error.message,)))
            return
        future = self._slots.submit(partial(self._perform, job, delivery_history, delivery.cancellation))
        self.working.add(future)
        future.add_done_callback(lambda done: self._connection.call(partial(self._done, delivery, done)))

    def _done(self, delivery: Delivery, future: Future[Reply]) -> None:
        self.working.discard(future)
        error = future.exception()
        if error is None:
            self._reply(delivery, future.result())
            return
        log.error("an error in the executor ended job %s", delivery.job, exc_info=error)
        self._reply(delivery, Reply(FAILED, exceptions=(f"An error in the executor ended the job: {error!r}.",)))

    def _reply(self, delivery: Delivery, reply: Reply) -> None:
        if delivery in self._in_hand and not delivery.cancellation.is_set():
            delivery.answered = True
            body, then = reply.body(self._settings.name), partial(self._confirmed, delivery)
            self._publisher.reply(delivery.reply_to, delivery.job, body, then)

    def _hand_back(self, delivery: Delivery) -> None:
        """Return a job to the queue, unless its reply is already being sent."""
        if not delivery.answered:
            delivery.cancellation.cancel()
            self._replace(delivery, delivery.history.once_more_handed_back(self._settings.name))

    def _replace(self, delivery: Delivery, delivery_history: DeliveryHistory) -> None:
        """Replace the message by a copy with its delivery history, at the end of the queue."""
        delivery.answered = True
        then = partial(self._confirmed, delivery)
        self._publisher.publish(self._settings.queue, delivery.body, delivery.next(delivery_history), then)

    def _confirmed(self, delivery: Delivery, taken: bool) -> None:
        if delivery in self._in_hand:
            self._settle(delivery, done=taken)

    def _settle(self, delivery: Delivery, *, done: bool = True) -> None:
        """Acknowledge a message, or return it to the queue."""
        self._in_hand.remove(delivery)
        if self._channel and done:
            self._channel.basic_ack(delivery.tag)
        elif self._channel:
            self._channel.basic_nack(delivery.tag, requeue=True)
        self._leave_if_done()

    def stop(self) -> None:
        """Take no more jobs and finish the current ones within the stop timeout; if called again, return them now."""
        if self._stopping:
            self._hand_all_back()
            return
        self._stopping = True
        log.info("stopping, %d jobs running", len(self._in_hand))
        if self._channel and self._in_hand:
            self._channel.basic_cancel(self._consumer_tag)
            self._connection.loop.call_later(self._settings.stop_timeout, self._hand_all_back)
        self._leave_if_done()

    def _hand_all_back(self) -> None:
        for delivery in list(self._in_hand):
            log.warning("returned job %s to the queue", delivery.job)
            self._hand_back(delivery)
        self._connection.loop.call_later(CONFIRM_SECONDS, self._connection.close)

    def _leave_if_done(self) -> None:
        if self._stopping and not self._in_hand:
            self._events.put(messages.event(self._settings.name, messages.EXECUTOR_STOPPED))
            self._events.flush()
            self._connection.close()
