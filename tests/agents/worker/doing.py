"""Doing jobs without a broker."""

from __future__ import annotations

from typing import Any

from hfecs.agents.common.object_store import ObjectStore
from hfecs.agents.worker.cancellation import Cancellation
from hfecs.agents.worker.capabilities import PLAIN, Equipment
from hfecs.agents.worker.delivery_history import Past
from hfecs.agents.worker.job import Job
from hfecs.agents.worker.job_runner import Performer
from hfecs.agents.worker.poison_messages import Events, Obituary
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

    def __init__(self, equipment: Equipment = PLAIN, history: Events = ()) -> None:
        self.events: list[dict[str, Any]] = []
        stages = Stages(ObjectStore(4), Threads(4), equipment)
        self.performer = Performer("me", stages, self.events.append, Obituary(lambda _: history))

    def do(self, job: Job, cancellation: Cancellation | None = None, past: Past | None = None) -> Reply:
        return self.performer.perform(job, past or Past(), cancellation or Impatient())

    def kinds(self) -> list[str]:
        return [event["type"].removeprefix("job.r-1.") for event in self.events]
