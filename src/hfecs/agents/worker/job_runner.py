"""A job from delivery to reply: through its stages, with retries while its program fails."""

from __future__ import annotations

import logging
from collections.abc import Callable

from hfecs.agents.worker.cancellation import Cancellation
from hfecs.agents.worker.delivery import DeliveryHistory
from hfecs.agents.worker.events import Announce, JobEvents
from hfecs.agents.worker.job import Job
from hfecs.agents.worker.poison_messages import PoisonMessages
from hfecs.agents.worker.reply import FAILED, Reply, Try, bounded
from hfecs.agents.worker.stages import Stages
from hfecs.backoff import Backoff

log = logging.getLogger(__name__)

FIRST_PAUSE_SECONDS = 1.0
LAST_PAUSE_SECONDS = 30.0


class JobRunner:
    """Runs jobs, several in parallel in different threads; every error ends up in the job's reply."""

    def __init__(
        self,
        executor: str,
        stages: Stages,
        announce: Announce,
        poison_messages: PoisonMessages,
        machine: Callable[[], str] = str,
    ) -> None:
        """`machine` gives the id of the executor's machine, empty if it is not known."""
        self._executor = executor
        self._machine = machine
        self._stages = stages
        self._announce = announce
        self._poison_messages = poison_messages

    def perform(self, job: Job, delivery_history: DeliveryHistory, cancellation: Cancellation) -> Reply:
        """Run a job, unless it has killed too many executors."""
        given_up = self._poison_messages.of(job.id, delivery_history)
        events = JobEvents(self._executor, job, self._announce)
        before = {"why": delivery_history.why} if delivery_history.attempts else {}
        events.tell("started", attempt=delivery_history.attempts + 1, **before)
        if given_up:
            tries = [Try(delivery_history.attempts, FAILED, problem=given_up)]
        else:
            tries = self._tries(job, delivery_history, events, cancellation)
        last = tries[-1]
        handed_back = {"handed_back": True} if cancellation.is_set() else {}
        events.tell("finished", exit_status=last.exit_status, attempts=last.number, **handed_back)
        return Reply.of(tries, events.metrics, (delivery_history.why,) * delivery_history.attempts)

    def _tries(
        self, job: Job, delivery_history: DeliveryHistory, events: JobEvents, cancellation: Cancellation
    ) -> list[Try]:
        """Try until the job succeeds or has no retries left; how each try ended."""
        pauses = Backoff(FIRST_PAUSE_SECONDS, LAST_PAUSE_SECONDS)
        tries: list[Try] = []
        while True:
            events.begin_try()
            ended = self._stages.pass_through(job, events, cancellation)
            number = delivery_history.attempts + len(tries) + 1
            facts = events.facts_of_try() | {"worker": self._executor, "machine": self._machine()}
            told = (ended.stdout, ended.stderr, ended.problem)
            tries = bounded([*tries, Try(number, ended.exit_status, *told, facts=facts)])
            failed = ended.exit_status or ended.problem
            if not failed or ended.lasting or len(tries) > job.options.retries or cancellation.is_set():
                return tries
            pause = pauses.next()
            log.warning("job %s failed, next try in %g seconds: %s", job.id, pause, ended.problem)
            events.tell("retried", attempt=number, exit_status=ended.exit_status, why=ended.problem)
            cancellation.wait(pause)
            if cancellation.is_set():
                return tries
