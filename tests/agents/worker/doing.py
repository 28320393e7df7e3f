"""Doing jobs without a broker."""

from __future__ import annotations

from typing import Any

from hfecs.agents.common.object_store import ObjectStore
from hfecs.agents.worker.cancellation import Cancellation
from hfecs.agents.worker.capabilities import PLAIN, Capabilities
from hfecs.agents.worker.delivery import DeliveryHistory
from hfecs.agents.worker.job import Job
from hfecs.agents.worker.job_runner import JobRunner
from hfecs.agents.worker.poison_messages import Events, PoisonMessages
from hfecs.agents.worker.reply import Reply
from hfecs.agents.worker.stages import Stages
from hfecs.messaging.timeouts import Threads


class Impatient(Cancellation):
    """Waits for nothing, but keeps for how long it should have."""

    def __init__(self) -> None:
        super().__init__()
        self.waited: list[float] = []

    def wait(self, seconds: float) -> None:
        self.waited.append(seconds)


class Executor:
    """Does jobs, and keeps their events; `history` is what the broker tells of the time before."""

    def __init__(self, capabilities: Capabilities = PLAIN, history: Events = ()) -> None:
        self.events: list[dict[str, Any]] = []
        stages = Stages(ObjectStore(4), Threads(4), capabilities)
        self.job_runner = JobRunner("me", stages, self.events.append, PoisonMessages(lambda _: history), lambda: "i-1")

    def do(
        self, job: Job, cancellation: Cancellation | None = None, delivery_history: DeliveryHistory | None = None
    ) -> Reply:
        return self.job_runner.perform(job, delivery_history or DeliveryHistory(), cancellation or Impatient())

    def kinds(self) -> list[str]:
        return [event["type"].removeprefix("job.r-1.") for event in self.events]
