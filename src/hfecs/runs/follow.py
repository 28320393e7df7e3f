"""Follow a run: its events from the broker as they come, its end from its task, its result from the bucket."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from hfecs.aws.errors import ignoring
from hfecs.aws.reasons import known as known_reason
from hfecs.blueprints.run import Run
from hfecs.errors import WorkflowFailed
from hfecs.messaging import event_stream, messages
from hfecs.messaging.event_stream import CLOCKS_APART
from hfecs.messaging.timeouts import iterate_with_timeout
from hfecs.messaging.url import AmqpUrl
from hfecs.provisioning.stack import Stack
from hfecs.resources import task
from hfecs.runs import result as run_result

if TYPE_CHECKING:
    from pika.adapters.blocking_connection import BlockingConnection


EARLIEST = datetime.fromtimestamp(0, UTC)
"""AMQP has no earlier time."""

# Seconds to wait for an event before checking the task, and between two checks.
LISTEN_SECONDS = 1.0
LOOK_SECONDS = 4.0
# Reconnect if the broker has been silent for this long.
SILENT_SECONDS = 30.0
# Say nothing about an unreachable broker for this long: it may still be booting.
PATIENCE_SECONDS = 30.0


def _now() -> datetime:
    return datetime.now(UTC)


def _nothing() -> None:
    """Watch nothing."""


class Cursor:
    """Where to resume reading, as a time: a broker that lost its data numbers its events from the start again."""

    def __init__(self, run: str, now: Callable[[], datetime] = _now) -> None:
        self._run = run
        self._now = now
        self.offset: datetime | str = "first"

    def begin(self, when: datetime) -> None:
        """The run started at this time, so older events can be skipped."""
        if isinstance(self.offset, str):
            self.offset = when

    def passed(self, event: dict[str, Any]) -> None:
        """Record an event as read. Its clock may be wrong: ignore times in the future and before the epoch."""
        if event.get("run") != self._run:
            return
        with suppress(ValueError, OverflowError):
            when = datetime.fromisoformat(event.get("timestamp", "")).astimezone(UTC)
            before = max(EARLIEST, min(when, self._now()) - CLOCKS_APART)
            self.offset = before if isinstance(self.offset, str) else max(self.offset, before)


class Follower:
    """One run, seen from outside. An unreachable broker costs the progress, not the result."""

    def __init__(self, stack: Stack, run: Run, broker: Callable[[], AmqpUrl], silence: float = SILENT_SECONDS) -> None:
        self._stack, self._run, self._broker, self._silence = stack, run, broker, silence
        self._looked = float("-inf")
        self._over = False
        self._place = Cursor(run.name)

    @property
    def is_over(self) -> bool:
        """Whether the task has stopped; asks ECS only every few seconds."""
        if not self._over and self._stack.wait.clock.now() - self._looked >= LOOK_SECONDS:
            self._looked = self._stack.wait.clock.now()
            self._over = self._stopped()
        return self._over

    def events(
        self, unreachable: Callable[[str], None], watch: Callable[[], None] = _nothing
    ) -> Iterator[dict[str, Any]]:
        """Yield the run's events from first to last; `unreachable` is called once with the reason if there are none.

        `watch` is called about every second; what it raises ends the events.
        """
        from hfecs.messaging import connection as amqp

        since, told = self._stack.wait.clock.now(), False
        while not self.is_over:
            try:
                for event in iterate_with_timeout(self._listen(self._broker()), self._silence):
                    if event.get("run") == self._run.name:
                        yield event
                    if event.get("type") == messages.workflow_event(self._run.name, "finished"):
                        return
                    if self.is_over:
                        break
                    watch()
            except amqp.FAULTS as error:
                if not told and self._stack.wait.clock.now() - since > PATIENCE_SECONDS:
                    unreachable(str(error) or type(error).__name__)
                    told = True
                self._stack.wait.pause(LISTEN_SECONDS)
            if not self._over:
                watch()

    def result(self) -> dict[str, Any]:
        """The workflow's own result; WorkflowFailed if the engine of this attempt ended without one."""
        self._stack.wait.until(self._stopped, what=f"the engine of run {self._run.name} to end", timeout=300, every=0.5)
        name, told = self._run.name, None
        with ignoring("NoSuchKey"):
            answer = self._stack.cloud.s3.get_object(Bucket=self._run.bucket, Key=f"runs/{name}/result.json")
            told = run_result.read(answer["Body"].read(), name)
        if told and told["attempt"] == self._run.attempt:
            return told
        why = self._why()
        reason = known_reason(why)
        raise WorkflowFailed(
            f"Run {name} is lost; its engine ended without a result: {why}.",
            hint="\n".join(
                [
                    *([f"{reason.sentence}: {reason.hint}"] if reason else []),
                    *([f"continue it: hfecs run --resume {name}"] if self._has_begun() else []),
                    "hfecs logs runner shows the engine's last output",
                ]
            ),
        )

    def _has_begun(self) -> bool:
        """Whether the engine wrote down how the run started: before that there is nothing to continue."""
        with ignoring("NoSuchKey"):
            self._stack.cloud.s3.get_object(Bucket=self._run.bucket, Key=f"runs/{self._run.name}/run.json")
            return True
        return False

    def _why(self) -> str:
        known = self._task() or {}
        reasons = [known.get("stoppedReason"), *(item.get("reason") for item in known.get("containers", []))]
        return "; ".join(filter(None, reasons)) or "ECS gives no reason"

    def _stopped(self) -> bool:
        known = self._task()
        if known and "createdAt" in known:
            self._place.begin(known["createdAt"])
        return known is None or known["lastStatus"] == "STOPPED"

    def _task(self) -> Any:
        """The task as ECS knows it; None if ECS has forgotten it, or its id is unknown."""
        return task.describe(self._stack, self._run.task)

    def _listen(self, broker: AmqpUrl) -> Generator[dict[str, Any], None, None]:
        """Read the event history from the current position; yields {} if nothing came for a second."""
        import pika

        from hfecs.messaging import connection as amqp

        logging.getLogger("pika").setLevel(logging.CRITICAL)
        connection = pika.BlockingConnection(amqp.parameters_of(broker))
        with _closing(connection):
            channel = connection.channel()
            event_stream.declare(channel)  # a follower may be there before the engine is
            for event in event_stream.read(channel, self._place.offset, timeout=LISTEN_SECONDS):
                yield event or {}
                if event:
                    self._place.passed(event)


@contextmanager
def _closing(connection: BlockingConnection) -> Iterator[None]:
    """Close the connection despite errors: pika returns prefetched events, which a stream refuses."""
    from pika.exceptions import AMQPError

    try:
        yield
    finally:
        with suppress(AMQPError):
            connection.close()
