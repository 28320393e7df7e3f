"""The engine agent: runs one workflow, tells about it, and leaves its log and result in the bucket."""

from __future__ import annotations

import json
import logging
import os
import signal
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NoReturn

from hfecs.agents.common.influxdb import Database, Metrics
from hfecs.agents.common.line_protocol import Point, Value
from hfecs.agents.common.logging import start_logging
from hfecs.agents.common.object_store import ObjectStore
from hfecs.agents.engine import demand
from hfecs.agents.engine.broker import Broker
from hfecs.agents.engine.result import FAILED, MOST_NAMED, STOPPED, SUCCEEDED, brief, tally, unfinished
from hfecs.agents.engine.settings import Settings
from hfecs.agents.engine.workflow_run import TRANSFERS, WorkflowRun
from hfecs.errors import HfecsError, TimedOut
from hfecs.messaging import messages
from hfecs.workflow import Workflow
from hfecs.workflow.fault import shown

log = logging.getLogger(__name__)

SENDER = "engine"
"""What the events of a run name as their `executor`."""

WAIT_FOR_BROKER_SECONDS = 600.0
WAIT_AT_THE_END_SECONDS = 20.0

LOG_TAIL_CHARACTERS = 2000

OUT_OF_MEMORY = "JavaScript heap out of memory"
"""What Node.js says at its end when it has used up what it takes for half the machine's memory."""

STALLED = 3
"""The exit code of an engine in which nothing can happen any more."""

RUNNING = "running"
"""What the metrics say of a run that has not ended."""

SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Stopped(Exception):
    """The agent was told to stop."""


def main() -> int:
    """Run the workflow that the environment names; 0 if it succeeded, 1 if it failed, 2 if it cannot be run."""
    start_logging()
    settings = Settings.from_environment(os.environ)
    for number in SIGNALS:
        signal.signal(number, _stop)
    metrics = Metrics(Database.from_environment(os.environ))
    with TemporaryDirectory(prefix="hfecs-engine-") as directory:
        agent = Agent(settings, ObjectStore(TRANSFERS), Broker(settings.broker), Path(directory), metrics)
        outcome = agent.run()
        _ignore_signals()
        agent.report(outcome)
        metrics.close()
        return outcome.exit_code


def _stop(number: int, _: object) -> NoReturn:
    _ignore_signals()
    raise Stopped(signal.Signals(number).name)


def _ignore_signals() -> None:
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


@dataclass(frozen=True)
class Outcome:
    """How a run ended: the agent's exit code, the status, and what went wrong beside the jobs."""

    exit_code: int
    status: str
    error: str = ""


class Agent:
    """Takes a run from its start, which is now, to its result."""

    def __init__(
        self,
        settings: Settings,
        objects: ObjectStore,
        broker: Broker,
        directory: Path,
        metrics: Metrics | None = None,
    ) -> None:
        self._metrics = metrics or Metrics(None)
        self._settings = settings
        self._objects = objects
        self._broker = broker
        self._run = WorkflowRun(settings, objects, directory)
        self._workflow: Workflow | None = None
        self._started = messages.timestamp()
        self._began = time.monotonic()

    def run(self) -> Outcome:
        """Run the workflow to its end, whatever that is."""
        try:
            error = self._why_failed(self._execute())
        except Stopped:
            log.info("stopped")
            return Outcome(1, STOPPED, "The run was stopped.")
        except HfecsError as error:
            log.error("%s", error)
            return Outcome(error.exit_code, FAILED, error.message)
        return Outcome(0, SUCCEEDED) if error is None else Outcome(1, FAILED, error)

    def _why_failed(self, code: int) -> str | None:
        """What is wrong beside the failed jobs; None if all is done and stored, whatever the engine's code says.

        The engine's end is not the workflow's: one of its functions, or one of the user's, may have ended it.
        """
        if self._run.records.failed():
            return ""
        workflow = self._workflow
        left = unfinished(workflow, self._run.records.journal) if workflow else ""
        if code == STALLED:
            return f"Nothing can happen any more: {left}."
        if code:
            return self._crash(code)
        if left:
            return f"The engine ended before the workflow had finished: {left}."
        lost = self._run.not_stored(workflow) if workflow else []
        if lost:
            named = ", ".join(shown(name) for name in lost[:MOST_NAMED])
            more = f" and {len(lost) - MOST_NAMED} more" if len(lost) > MOST_NAMED else ""
            return f"Every job succeeded, but the bucket does not hold {named}{more}."
        return None

    def _crash(self, code: int) -> str:
        said = self._run.log_file.read_text(errors="replace")
        if code == -signal.SIGKILL or OUT_OF_MEMORY in said:
            processes = len(self._workflow.processes) if self._workflow else 0
            what = "was killed, most likely because it" if code == -signal.SIGKILL else "ended because it"
            return (
                f"The engine {what} had not enough memory for {processes} processes: resume the run on a machine with "
                "more, hfecs --set cluster.instance_type=TYPE run --resume RUN."
            )
        end = said[-LOG_TAIL_CHARACTERS:]
        return f"The engine ended with code {code} before the workflow had finished; the end of its log:\n{end}"

    def _execute(self) -> int:
        settings = self._settings
        workflow = self._workflow = self._run.fetch()
        self._broker.declare(settings.queue, within=WAIT_FOR_BROKER_SECONDS)
        jobs, numbers = len(workflow.processes), self._run.records.journal.done()
        done = Counter(workflow.processes[number - 1].program for number in numbers)
        self._publish("started", WAIT_AT_THE_END_SECONDS, attempt=settings.attempt, jobs=jobs, done=done)
        self._measure(RUNNING, jobs=jobs, done=len(numbers), failed=0)
        with demand.reported(
            settings, workflow, self._objects, self._run.records.journal, os.environ, self._run.record.note
        ):
            return self._run.execute()

    def report(self, outcome: Outcome) -> None:
        """Put journal, log and result into the bucket, then tell those who follow: they read the result then."""
        told = self._result(outcome)
        self._measure(outcome.status, jobs=told["jobs"], done=told["done"], failed=len(told["failed"]))
        bucket, folder = self._settings.bucket, f"runs/{self._settings.run}"
        try:
            if self._workflow:
                self._run.record.end()
                self._run.keeper.end()
            if self._run.log_file.exists():
                self._objects.upload(self._run.log_file, bucket, f"{folder}/engine.log")
            self._objects.write(json.dumps(told, indent=2), bucket, f"{folder}/result.json", "application/json")
        finally:
            self._publish("finished", WAIT_AT_THE_END_SECONDS, result=brief(told))

    def _result(self, outcome: Outcome) -> dict[str, Any]:
        times = {"started": self._started, "finished": messages.timestamp()}
        told = {"run": self._settings.run, "attempt": self._settings.attempt, "status": outcome.status, **times}
        error = {"error": outcome.error} if outcome.error else {}
        return {**told, **tally(self._workflow, self._run.records), **error}

    def _measure(self, status: str, *, jobs: int, done: int, failed: int) -> None:
        """Tell InfluxDB, if there is one, how far the run is."""
        run, seconds = self._settings.run, time.monotonic() - self._began
        fields: dict[str, Value] = {"status": status, "jobs": jobs, "done": done, "failed": failed}
        self._metrics.put(Point("hyperflow_workflow", {"wfid": run, "hfId": run}, {**fields, "seconds": seconds}))

    def _publish(self, step: str, within: float, **facts: Any) -> None:
        run = self._settings.run
        try:
            self._broker.publish(SENDER, messages.workflow_event(run, step), within=within, run=run, **facts)
        except TimedOut as error:
            log.warning("%s", error)
